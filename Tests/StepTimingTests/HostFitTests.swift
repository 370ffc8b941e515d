import StepTiming
import Testing
import TraceModel

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

  @Test("has the admission and both launches of a prompt that waits for its launch")
  func boundByLaunch() {
    var fit = HostFit(requests: Self.requests, usesTriton: true)
    for step in Self.steps { fit.add(step) }
    let host = fit.timing(layers: 32, fallback: nil, fallbackLayers: 1)
    #expect(host.admission == Self.micro(1800))
    #expect(host.pieceLaunch == Self.micro(20_000))
    #expect(host.graphLaunch == Self.micro(23_100 - 21_950))
    #expect(host.scheduleDelay == Self.micro(50))
    #expect(host.scheduleDuration == Self.micro(50))
  }

  @Test("takes the launch of the other kind of attention in proportion to another host's")
  func otherBackend() {
    var fit = HostFit(requests: Self.requests, usesTriton: false)
    for step in Self.steps { fit.add(step) }
    let known = HostTiming(pieceLaunch: Self.micro(150), libraryPieceLaunch: Self.micro(120))
    let host = fit.timing(layers: 32, fallback: known, fallbackLayers: 40)
    #expect(host.libraryPieceLaunch == Self.micro(20_000))
    #expect(host.pieceLaunch == Self.micro(25_000))
  }
}
