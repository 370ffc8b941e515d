import KernelSelection
import Testing
import TraceModel

@testable import StepTiming

@Suite("Launches in pieces")
struct PieceLaunchFitTests {
  private static func fit(triton: [Int64], library: [Int64] = []) -> PieceLaunchFit {
    var fit = PieceLaunchFit()
    for launch in triton { fit.triton.add(Nanoseconds(launch)) }
    for launch in library { fit.library.add(Nanoseconds(launch)) }
    return fit
  }

  @Test("have a middle one, and a spread around it where enough were seen")
  func spread() {
    let times = Self.fit(triton: (1...99).map { 1000 * $0 })
      .times(layers: 40, fallback: nil, fallbackLayers: 1)
    #expect(times.triton == Nanoseconds(50_000))
    let offsets = times.spread.offsets
    #expect(offsets.count == 33)
    #expect(offsets[16] == .zero, "the middle launch is one of them")
    #expect(offsets.first == Nanoseconds(-48_000) && offsets.last == Nanoseconds(48_000))
    let few = Self.fit(triton: [9, 5, 7]).times(layers: 40, fallback: nil, fallbackLayers: 1)
    #expect(few.triton == Nanoseconds(7))
    #expect(few.spread == .none)
  }

  @Test("that were not seen follow from another host's, in proportion")
  func proportion() {
    let known = HostTiming(
      pieceLaunch: Nanoseconds(150), libraryPieceLaunch: Nanoseconds(120),
      pieceLaunchSpread: DelaySpread(offsets: [Nanoseconds(-15), .zero, Nanoseconds(30)]))
    let times = Self.fit(triton: [], library: [240])
      .times(layers: 32, fallback: known, fallbackLayers: 40)
    #expect(times.library == Nanoseconds(240))
    #expect(times.triton == Nanoseconds(300))
    #expect(times.spread.offsets.map(\.rawValue) == [-30, 0, 60])
    let none = Self.fit(triton: []).times(layers: 20, fallback: known, fallbackLayers: 40)
    #expect(none.triton == Nanoseconds(75), "half the layers")
    #expect(none.library == Nanoseconds(60))
  }

  @Test("vary from launch to launch, those of a library in proportion, those of graphs not")
  func launches() {
    let host = HostTiming(
      graphLaunch: Nanoseconds(5), pieceLaunch: Nanoseconds(100),
      libraryPieceLaunch: Nanoseconds(50),
      pieceLaunchSpread: DelaySpread(offsets: [Nanoseconds(-20), .zero, Nanoseconds(40)]))
    func launch(_ family: KernelFamily, _ count: Int) -> Int64 {
      host.launch(of: .eager(tokens: 9), attention: family, afterPieces: count).rawValue
    }
    #expect(launch(.triton2D, 0) == 100, "the first is the middle one")
    #expect(Set((0..<64).map { launch(.triton2D, $0) }) == [80, 100, 140])
    for count in 0..<64 {
      #expect(launch(.flashAttention3, count) == launch(.triton2D, count) / 2)
      #expect(
        host.launch(
          of: .fullGraph(paddedTokens: 1), attention: .triton2D, afterPieces: count)
          == Nanoseconds(5))
    }
  }
}
