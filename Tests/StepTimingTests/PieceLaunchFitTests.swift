import KernelSelection
import Testing
import TraceModel

@testable import StepTiming

@Suite("Launches in pieces")
struct PieceLaunchFitTests {
  /// One process with launches of sizes that it had launched before, and of others.
  private static func process(
    usesTriton: Bool = true, _ known: [Int64], new: [Int64] = [], atMost bounds: [Int64] = [],
    decode: [Int64] = []
  ) -> PieceLaunchFit {
    var fit = PieceLaunchFit(usesTriton: usesTriton)
    func note(_ launch: Int64, isNewSize: Bool = false, hasPrompts: Bool = true) {
      fit.note(isNewSize: isNewSize, hasPrompts: hasPrompts) { $0.add(Nanoseconds(launch)) }
    }
    for launch in known { note(launch) }
    for launch in new { note(launch, isNewSize: true) }
    for bound in bounds {
      fit.note(isNewSize: false, hasPrompts: true) { $0.add(atMost: Nanoseconds(bound)) }
    }
    for launch in decode { note(launch, hasPrompts: false) }
    return fit
  }

  private static func times(_ processes: PieceLaunchFit...) -> PieceLaunchFit.Times {
    var fit = processes[0]
    for process in processes.dropFirst() { fit.add(process) }
    return fit.times(layers: 40, fallback: nil, fallbackLayers: 40)
  }

  @Test("without prompts take a share of those with prompts, and have a spread of their own")
  func decodeSteps() {
    let prompts = (90...110).map { Int64($0) * 1000 }
    let decode = (85...95).map { Int64($0) * 1000 }
    let fit = Self.process(prompts, decode: decode)
    #expect(fit.shares.decode == 0.9)
    #expect(Self.process(prompts, decode: [90_000]).shares.decode == nil, "one is too few")
    let times = Self.times(fit)
    #expect(times.middles.triton == Nanoseconds(100_000), "they are no launches with prompts")
    #expect(times.spread.offsets.last == Nanoseconds(10_000))
    // In proportion to launches with prompts: 5 of 90 are 5.6 of 100.
    #expect(times.decodeSpread.offsets.last == Nanoseconds(5_555))
  }

  @Test("with a library follow from Triton's in the share that other machines show")
  func libraryShare() {
    var both = Self.process(Array(repeating: 100_000, count: 9))
    #expect(both.shares.library == nil)
    both.add(Self.process(usesTriton: false, Array(repeating: 90_000, count: 9)))
    #expect(both.shares.library == 0.9)
    let shares = LaunchShares([both.shares, LaunchShares(), LaunchShares(library: 0.8)])
    #expect(shares.library == 0.9 && shares.decode == nil)
    let times = Self.process([50_000]).times(
      layers: 40, fallback: nil, fallbackLayers: 40, libraryShare: 0.9)
    #expect(times.middles.triton == Nanoseconds(50_000))
    #expect(times.middles.library == Nanoseconds(45_000))
    let none = PieceLaunchFit(usesTriton: true).times(
      layers: 40, fallback: nil, fallbackLayers: 40, libraryShare: 0.9)
    #expect(none.middles == (.zero, .zero))
  }

  @Test("with prompts follow from those without where a process had none")
  func decodeAlone() {
    let fit = Self.process([], decode: (0..<9).map { 90_000 + $0 })
    let times = fit.times(layers: 40, fallback: nil, fallbackLayers: 40, decodeShare: 0.9)
    #expect(times.middles.triton == Nanoseconds(100_004))
    var host = HostTiming(pieceLaunch: times.middles.triton, decodeLaunchShare: 0.9)
    func launch(hasPrompts: Bool, after count: Int = 0) -> Int64 {
      host.launch(
        of: .eager(tokens: 80), attention: .triton2D, hasPrompts: hasPrompts, afterPieces: count
      ).rawValue
    }
    #expect(launch(hasPrompts: true) == 100_004 && launch(hasPrompts: false) == 90_004)
    host.pieceLaunchSpread = DelaySpread(offsets: [Nanoseconds(50_000)])
    host.decodeLaunchSpread = DelaySpread(offsets: [Nanoseconds(10_000)])
    #expect(launch(hasPrompts: true) == 150_004)
    #expect(launch(hasPrompts: false) == 99_004, "its own spread, in proportion")
  }

  @Test("have a middle one, and a spread around it where enough were seen")
  func spread() {
    let times = Self.times(Self.process((1...99).map { 1000 * $0 }))
    #expect(times.middles.triton == Nanoseconds(50_000))
    let offsets = times.spread.offsets
    #expect(offsets.count == 33)
    #expect(offsets[16] == .zero, "the middle launch is one of them")
    #expect(offsets.first == Nanoseconds(-48_000) && offsets.last == Nanoseconds(48_000))
    #expect(times.newSizes == .none && times.paces.isEmpty)
    let few = Self.times(Self.process([9, 5, 7]))
    #expect(few.middles.triton == Nanoseconds(7))
    #expect(few.spread == .none)
  }

  @Test("that were not seen follow from another host's, in proportion")
  func proportion() {
    let known = HostTiming(
      pieceLaunch: Nanoseconds(150), libraryPieceLaunch: Nanoseconds(120),
      pieceLaunchSpread: DelaySpread(offsets: [Nanoseconds(-15), .zero, Nanoseconds(30)]),
      newSizeSpread: DelaySpread(offsets: [Nanoseconds(60)]), processPaces: [0.5, 1, 2])
    let times = Self.process(usesTriton: false, [240])
      .times(layers: 32, fallback: known, fallbackLayers: 40)
    #expect(times.middles.library == Nanoseconds(240))
    #expect(times.middles.triton == Nanoseconds(300))
    #expect(times.spread.offsets.map(\.rawValue) == [-30, 0, 60])
    #expect(times.newSizes == .none, "the middle has what new sizes take")
    #expect(times.paces == [0.5, 1, 2])
    let none = Self.process([]).times(layers: 20, fallback: known, fallbackLayers: 40)
    #expect(none.middles.triton == Nanoseconds(75), "half the layers")
    #expect(none.middles.library == Nanoseconds(60))
    #expect(none.newSizes.offsets.map(\.rawValue) == [30])
  }

  @Test("of sizes that a process has not met before are told apart where there are enough of both")
  func newSizes() {
    let times = Self.times(
      Self.process(Array(repeating: 100, count: 20), new: (0..<20).map { 150 + 10 * $0 }))
    #expect(times.middles.triton == Nanoseconds(100))
    #expect(times.spread.offsets.allSatisfy { $0 == .zero })
    #expect(times.newSizes.offsets.first == Nanoseconds(50))
    #expect(times.newSizes.offsets.last == Nanoseconds(240))
    let few = Self.times(Self.process(Array(repeating: 100, count: 20), new: [500, 500]))
    #expect(few.newSizes == .none)
    #expect(few.spread.offsets.last == Nanoseconds(400), "they count as the others")
  }

  @Test("of new sizes alone, where they are few, leave others to another host's")
  func firstLaunches() {
    let known = HostTiming(
      pieceLaunch: Nanoseconds(150), libraryPieceLaunch: Nanoseconds(75),
      pieceLaunchSpread: DelaySpread(offsets: [Nanoseconds(-15), .zero, Nanoseconds(30)]))
    var fit = Self.process([], new: [200])
    fit.add(Self.process(usesTriton: false, [], new: [110]))
    let times = fit.times(layers: 32, fallback: known, fallbackLayers: 40)
    #expect(times.middles.triton == Nanoseconds(120))
    #expect(times.middles.library == Nanoseconds(60))
    #expect(times.newSizes.offsets.first == Nanoseconds(80))
    #expect(times.newSizes.offsets.last == Nanoseconds(100))
    #expect(times.spread.offsets.map(\.rawValue) == [-12, 0, 24])
  }

  @Test("differ from process to process, each kind beside its own middle")
  func paces() throws {
    func launches(_ middle: Int64) -> [Int64] { (-15...15).map { middle + $0 * middle / 30 } }
    let times = Self.times(
      Self.process(launches(3000)), Self.process(launches(6000)), Self.process(launches(1500)),
      Self.process(usesTriton: false, launches(600)), Self.process(launches(30)[..<9].map { $0 }))
    #expect(times.paces.count == 4)
    #expect(times.paces[2] == 1 && times.paces == times.paces.sorted())
    #expect(times.paces[3] / times.paces[0] == 4)
    let longest = try #require(times.spread.offsets.last)
    let share = longest.seconds / times.middles.triton.seconds
    #expect((0.45...0.55).contains(share), "of each process's own middle")
    let two = Self.times(Self.process(launches(3000)), Self.process(launches(6000)))
    #expect(two.paces.isEmpty, "too few processes")
    let hidden = Self.times(
      Self.process(launches(3000)), Self.process(launches(3000)),
      Self.process([9000], atMost: Array(repeating: 9000, count: 40)))
    #expect(hidden.paces.isEmpty, "of the third only the longest launch was seen")
  }

  @Test("are those of one process where its pace is taken")
  func process() {
    let host = HostTiming(
      graphLaunch: Nanoseconds(7), pieceLaunch: Nanoseconds(100),
      libraryPieceLaunch: Nanoseconds(80),
      pieceLaunchSpread: DelaySpread(offsets: [Nanoseconds(-20), .zero]),
      newSizeSpread: DelaySpread(offsets: [Nanoseconds(50)]), processPaces: [0.5, 1, 1.5])
    #expect(host.process(1) == host)
    let slow = host.process(2)
    #expect(slow.pieceLaunch == Nanoseconds(150) && slow.libraryPieceLaunch == Nanoseconds(120))
    #expect(slow.pieceLaunchSpread.offsets.map(\.rawValue) == [-30, 0])
    #expect(slow.newSizeSpread.offsets.map(\.rawValue) == [75])
    #expect(slow.graphLaunch == host.graphLaunch)
  }

  @Test("vary from launch to launch, those of a library in proportion, those of graphs not")
  func launches() {
    let host = HostTiming(
      graphLaunch: Nanoseconds(5), pieceLaunch: Nanoseconds(100),
      libraryPieceLaunch: Nanoseconds(50),
      pieceLaunchSpread: DelaySpread(offsets: [Nanoseconds(-20), .zero, Nanoseconds(40)]))
    func launch(_ family: KernelFamily, _ count: Int) -> Int64 {
      host.launch(of: .eager(tokens: 9), attention: family, hasPrompts: true, afterPieces: count)
        .rawValue
    }
    #expect(launch(.triton2D, 0) == 100, "the first is the middle one")
    #expect(Set((0..<64).map { launch(.triton2D, $0) }) == [80, 100, 140])
    for count in 0..<64 {
      #expect(launch(.flashAttention3, count) == launch(.triton2D, count) / 2)
      #expect(
        host.launch(
          of: .fullGraph(paddedTokens: 1), attention: .triton2D, hasPrompts: true,
          afterPieces: count)
          == Nanoseconds(5))
    }
  }

  @Test("of new sizes have a spread of their own, if there is one")
  func newSizeLaunches() {
    var host = HostTiming(pieceLaunch: Nanoseconds(100), libraryPieceLaunch: Nanoseconds(50))
    func launch(_ family: KernelFamily, isNewSize: Bool) -> Int64 {
      host.launch(
        of: .eager(tokens: 9), attention: family, hasPrompts: true, afterPieces: 3,
        isNewSize: isNewSize
      ).rawValue
    }
    #expect(launch(.triton2D, isNewSize: true) == 100)
    host.newSizeSpread = DelaySpread(offsets: [Nanoseconds(60)])
    #expect(launch(.triton2D, isNewSize: true) == 160)
    #expect(launch(.flashAttention3, isNewSize: true) == 80)
    #expect(launch(.triton2D, isNewSize: false) == 100)
  }
}
