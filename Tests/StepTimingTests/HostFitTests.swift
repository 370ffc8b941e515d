import KernelSelection
import Testing
import TraceModel

@testable import StepTiming

@Suite("A host's timing from a recording")
struct HostFitTests {
  private static func micro(_ count: Int64) -> Nanoseconds { Nanoseconds(count * 1000) }

  private static func step(
    _ rows: [(request: Int32, computed: Int32, new: Int32)], start: Int64, end: Int64, gpu: Int64,
    output: Int64
  ) -> TraceStep {
    var step = TraceStep(
      gpuTime: micro(gpu),
      rows: rows.map {
        StepRow(
          request: $0.request, computed: TokenCount($0.computed), queryLength: TokenCount($0.new))
      })
    step.scheduleStart = micro(start)
    step.scheduleEnd = micro(end)
    step.output = micro(output)
    return step
  }

  private static let requests = [
    TraceRequest(
      id: RequestID(0), arrival: .zero, promptTokens: TokenCount(500), outputTokens: TokenCount(9))
  ]

  /// One request on an idle engine: its launch in pieces takes longer than the GPU.
  private static let steps = [
    step([(0, 0, 500)], start: 1800, end: 1900, gpu: 19_900, output: 23_100),
    step([(0, 500, 1)], start: 21_900, end: 21_950, gpu: 5000, output: 28_000),
    step([(0, 501, 1)], start: 23_150, end: 23_190, gpu: 5000, output: 33_000),
  ]

  /// How an engine launches it that captures decode steps alone.
  private static func launch(_ step: TraceStep) -> StepLaunch {
    let tokens = step.rows.reduce(0) { $0 + $1.queryLength.value }
    return tokens == step.rows.count ? .fullGraph(paddedTokens: tokens) : .eager(tokens: tokens)
  }

  @Test("takes a decode step that is no graph for one in pieces")
  func decodeInPieces() {
    var fit = HostFit(requests: Self.requests, usesTriton: true)
    for step in Self.steps {
      let tokens = step.rows.reduce(0) { $0 + $1.queryLength.value }
      fit.add(step, launch: .eager(tokens: tokens))
    }
    let host = fit.timing(layers: 32, fallback: nil, fallbackLayers: 1)
    #expect(host.pieceLaunch == Self.micro(20_000))
    #expect(host.graphLaunch == .zero, "no step was a graph")
  }

  @Test("takes no launch for long that waited for the output layer's kernel")
  func outputLayer() {
    let requests = Self.prompts(9, every: 0)
    func launch(largestGraph: Int) -> Nanoseconds {
      let graphs = CUDAGraphs(mode: .fullDecodeOnly, captureSizes: [largestGraph])
      let loaded = LoadedKernels(
        .unknown, graphs: graphs, maxSequences: 256, maxBatchedTokens: 8192)
      var fit = HostFit(requests: requests, loadedKernels: loaded, usesTriton: true)
      // The second step is scheduled when the launch of the first returns.
      fit.add(
        Self.step(
          (0..<9).map { ($0, 0, 500) }, start: 1800, end: 1900, gpu: 19_900, output: 23_100),
        launch: .eager(tokens: 4500))
      fit.add(
        Self.step([(0, 500, 1)], start: 21_900, end: 21_950, gpu: 5000, output: 28_000),
        launch: .fullGraph(paddedTokens: 1))
      return fit.timing(layers: 32, fallback: nil, fallbackLayers: 1).pieceLaunch
    }
    #expect(launch(largestGraph: 16) == Self.micro(20_000))
    #expect(launch(largestGraph: 8) == .zero, "nine rows are more than it holds")
  }

  @Test("takes the outputs of decode steps in pieces for bounds of the next one's launch")
  func boundedByOutputs() {
    var fit = HostFit(requests: Self.requests, usesTriton: true)
    // One launch of 20 ms is seen; nine others were done within 6 ms, the first of them new of its size.
    for step in Self.steps.prefix(2) { fit.add(step, launch: .eager(tokens: 1)) }
    for place in 1...9 {
      let start = 28_050 + 6000 * Int64(place - 1)
      let step = Self.step(
        [(0, Int32(500 + place), 1)], start: start - 6000, end: start - 5950, gpu: 5900,
        output: start + 6000)
      fit.add(step, launch: .eager(tokens: 1))
    }
    let free = fit.timing(layers: 32, fallback: nil, fallbackLayers: 1)
    #expect(free.pieceLaunch == Self.micro(20_000), "what lies below counts as the least seen")
    let spread = free.pieceLaunchSpread.offsets
    #expect(!spread.isEmpty, "bounds count as launches")
  }

  @Test("sees the launches of decode steps in pieces that keep the GPU waiting")
  func decodeKeepsGPUWaiting() {
    var fit = HostFit(requests: Self.requests, usesTriton: true)
    // Back to back, 20 ms of launching each, of which the GPU is at the step for all but 1 ms.
    for place in 0..<12 {
      let start = 20_100 * Int64(place)
      let step = Self.step(
        [(0, Int32(500 + place), 1)], start: start, end: start + 50, gpu: 19_000,
        output: start + 20_100 + 20_050)
      fit.add(step, launch: .eager(tokens: 1))
    }
    let host = fit.timing(layers: 32, fallback: nil, fallbackLayers: 1)
    #expect(host.pieceLaunch == Self.micro(20_000))
    #expect(host.decodeLaunchShare == 1, "of prompts it saw none")
  }

  @Test("takes a prompt that is one graph for no launch in pieces")
  func promptInGraph() {
    var fit = HostFit(requests: Self.requests, usesTriton: true)
    for step in Self.steps { fit.add(step, launch: .fullGraph(paddedTokens: 512)) }
    let host = fit.timing(layers: 32, fallback: nil, fallbackLayers: 1)
    #expect(host.pieceLaunch == .zero)
  }

  @Test("has the admission and both launches of a prompt that waits for its launch")
  func boundByLaunch() {
    var fit = HostFit(requests: Self.requests, usesTriton: true)
    for step in Self.steps { fit.add(step, launch: Self.launch(step)) }
    let host = fit.timing(layers: 32, fallback: nil, fallbackLayers: 1)
    #expect(host.admission == Self.micro(1800))
    #expect(host.wakeUp == .zero, "nothing came while the engine worked")
    #expect(host.pieceLaunch == Self.micro(20_000))
    #expect(host.graphLaunch == Self.micro(23_100 - 21_950))
    #expect(host.scheduleDelay == Self.micro(50))
    #expect(host.scheduleDuration == Self.micro(50))
  }

  @Test("takes a few first launches for those of new sizes, and others from another host")
  func firstLaunches() {
    var fit = HostFit(requests: Self.requests, usesTriton: false)
    for step in Self.steps { fit.add(step, launch: Self.launch(step)) }
    let known = HostTiming(pieceLaunch: Self.micro(150), libraryPieceLaunch: Self.micro(120))
    let host = fit.timing(layers: 32, fallback: known, fallbackLayers: 40)
    #expect(host.libraryPieceLaunch == Self.micro(96))
    #expect(host.pieceLaunch == Self.micro(120))
    #expect(host.newSizeSpread.offsets.allSatisfy { $0 == Self.micro(25_000 - 120) })
  }

  /// A request at rest, then one that arrives while the engine works; both are sent 800 µs after their
  /// arrival and seen 1000 µs after that, by a resting engine 300 µs later.
  private static let twoRequests = [
    requests[0],
    TraceRequest(
      id: RequestID(1), arrival: micro(44_000), promptTokens: TokenCount(500),
      outputTokens: TokenCount(9)),
  ]
  private static let busySteps = [
    step([(0, 0, 500)], start: 2100, end: 2200, gpu: 19_900, output: 22_200),
    step([(0, 500, 1)], start: 21_900, end: 21_950, gpu: 10_000, output: 32_300),
    step([(0, 501, 1)], start: 32_400, end: 32_450, gpu: 13_250, output: 45_550),
    step([(0, 502, 1)], start: 45_650, end: 45_700, gpu: 10_000, output: 55_600),
    step([(0, 503, 1), (1, 0, 500)], start: 45_900, end: 45_950, gpu: 30_000, output: 85_700),
  ]

  private static func fitted(callers: [CallerRecord?] = [], fallback: HostTiming?) -> HostTiming {
    var fit = HostFit(requests: twoRequests, callers: callers, usesTriton: true)
    for step in busySteps { fit.add(step, launch: launch(step)) }
    return fit.timing(layers: 32, fallback: fallback, fallbackLayers: 32)
  }

  @Test("tells sending, admission and waking up apart where the callers' times are known")
  func callers() {
    let outputs = Self.busySteps.map { $0.output ?? .zero }
    let host = Self.fitted(
      callers: [
        CallerRecord(sent: Self.micro(800), tokens: outputs.map { $0 + Self.micro(1100) }),
        CallerRecord(sent: Self.micro(44_800), tokens: [outputs[4] + Self.micro(1300)]),
      ], fallback: nil)
    #expect(host.sendDelay == Self.micro(800))
    // Not seen 850 µs after its sending, seen after 1100 µs.
    #expect(host.admission >= Self.micro(850) && host.admission <= Self.micro(1100))
    #expect(host.admission + host.wakeUp == Self.micro(1300))
    #expect(host.clientDelay == Self.micro(1120), "four steps with 1100 and one with 1200")
    #expect(host.clientSpread == .none)
  }

  @Test("takes sending for what goes beyond the known admission, up to the known sending")
  func arrivalsAlone() {
    let known = HostTiming(
      sendDelay: Self.micro(800), admission: Self.micro(950), wakeUp: Self.micro(1),
      clientDelay: Self.micro(1000), clientSpread: DelaySpread(offsets: [Self.micro(5)]))
    let host = Self.fitted(fallback: known)
    #expect(host.sendDelay == Self.micro(800))
    #expect(host.admission == Self.micro(950))
    #expect(host.wakeUp == known.wakeUp, "in the first step a recorder may open its file")
    #expect(host.clientDelay == known.clientDelay)
    #expect(host.clientSpread == known.clientSpread)
    // An engine's own recording: a request counts as arrived when its front end has it.
    let late = HostTiming(sendDelay: Self.micro(800), admission: Self.micro(1900))
    #expect(Self.fitted(fallback: late).sendDelay == .zero)
  }

  /// Prompts of 500 tokens, one token out, so many microseconds apart.
  private static func prompts(_ count: Int, every gap: Int64) -> [TraceRequest] {
    (0..<count).map { place in
      TraceRequest(
        id: RequestID(Int64(place)), arrival: micro(gap) * place, promptTokens: TokenCount(500),
        outputTokens: TokenCount(1))
    }
  }

  @Test("leaves a recording's first request out of what an idle engine takes, if others came")
  func openedFile() {
    let requests = Self.prompts(3, every: 100_000)
    var fit = HostFit(requests: requests, usesTriton: true)
    for (place, wait) in [6000, 1300, 1400].enumerated() {
      let start = 100_000 * Int64(place) + Int64(wait)
      fit.add(
        Self.step(
          [(Int32(place), 0, 500)], start: start, end: start + 100, gpu: 20_000,
          output: start + 20_400), launch: .piecewise(paddedTokens: 512))
    }
    let host = fit.timing(layers: 32, fallback: nil, fallbackLayers: 1)
    #expect(host.admission + host.wakeUp == Self.micro(1400), "the upper of two")
  }

  @Test("has how late others of a burst were sent that were in the step of the first")
  func burst() {
    let requests = Self.prompts(6, every: 300)
    func gathering(_ taken: Range<Int32>, bursts: Int = 3, budget: Int32 = 500) -> Nanoseconds {
      var all = HostFit(requests: [], usesTriton: true)
      for _ in 0..<bursts {
        var fit = HostFit(requests: requests, usesTriton: true)
        fit.add(
          Self.step(
            taken.map { ($0, 0, budget) }, start: 1300, end: 1400, gpu: 20_000, output: 21_000),
          launch: .eager(tokens: taken.count * Int(budget)))
        all = all.pooled(with: fit)
      }
      let known = HostTiming(gathering: Self.micro(40))
      return all.timing(layers: 32, fallback: known, fallbackLayers: 32).gathering
    }
    #expect(gathering(0..<3) == Self.micro(750), "the third came at 600 µs, the fourth at 900")
    #expect(gathering(0..<3, bursts: 2) == Self.micro(40), "it may be chance")
    #expect(gathering(0..<1) == Self.micro(40), "none was gathered")
    #expect(gathering(0..<3, budget: 400) == Self.micro(40), "the step was full")
  }

  @Test("has a spread that moves gaps as the recorded delays do, which drift")
  func drift() {
    let count = 600
    let requests = [
      TraceRequest(
        id: RequestID(0), arrival: .zero, promptTokens: TokenCount(1),
        outputTokens: TokenCount(Int32(count)))
    ]
    // ±100 µs from step to step on a drift of ±1 ms.
    let outputs = (0..<count).map { Self.micro(10_000) * ($0 + 1) }
    let delays = (0..<count).map { place in
      Self.micro(2000 + (place / 100 % 2 == 0 ? 1000 : -1000) + (place % 2 == 0 ? 100 : -100))
    }
    var fit = HostFit(
      requests: requests,
      callers: [CallerRecord(sent: .zero, tokens: zip(outputs, delays).map { $0 + $1 })],
      usesTriton: true)
    for place in 0..<count {
      fit.add(
        Self.step(
          [(0, Int32(place), 1)], start: outputs[place].rawValue / 1000 - 9000,
          end: outputs[place].rawValue / 1000 - 8900, gpu: 8000,
          output: outputs[place].rawValue / 1000), launch: .fullGraph(paddedTokens: 1))
    }
    let host = fit.timing(layers: 32, fallback: nil, fallbackLayers: 1)
    #expect(host.clientDelay == Self.micro(2000))
    // Neighbours lie 200 µs apart, and ten times that at the five places where the drift turns.
    let steps = (0..<5000).map { host.clientDelay(ofStep: $0) }
    let apart = zip(steps, steps.dropFirst()).map { max($1 - $0, $0 - $1).rawValue }.reduce(0, +)
    #expect((180_000...250_000).contains(apart / Int64(steps.count - 1)))
  }
}
