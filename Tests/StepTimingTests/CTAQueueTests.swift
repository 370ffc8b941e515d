import Testing

@testable import StepTiming

@Suite("CTAs that wait for slots")
struct CTAQueueTests {
  /// One nanosecond per token, however many run.
  static let steady = BandwidthCurve(capacity: 8, alone: 1, bandwidth: 1e12, sharpness: 8)

  @Test("take as long as their longest one while they all fit")
  func fits() {
    var queue = CTAQueue(capacity: 4)
    queue.launch(count: 3, tokens: 10, pace: Self.steady)
    queue.launch(count: 1, tokens: 25, pace: Self.steady)
    #expect(abs(queue.finish(pace: Self.steady) - 25) < 1e-9)
  }

  @Test("run in a second wave when there is one too many")
  func waves() {
    var queue = CTAQueue(capacity: 4)
    queue.launch(count: 5, tokens: 10, pace: Self.steady)
    #expect(abs(queue.finish(pace: Self.steady) - 20) < 1e-9)
  }

  @Test("start in launch order on whichever slot comes free first")
  func listScheduling() {
    // Two slots: 7 and 3 start; 5 follows the 3, ends at 8.
    var queue = CTAQueue(capacity: 2)
    for tokens in [7.0, 3, 5] { queue.launch(count: 1, tokens: tokens, pace: Self.steady) }
    #expect(abs(queue.finish(pace: Self.steady) - 8) < 1e-9)
  }

  @Test("slow one another down at the memory's bandwidth")
  func sharesBandwidth() {
    // 512 bytes per token at 128 bytes per nanosecond: four nanoseconds for every running CTA.
    let bound = BandwidthCurve(capacity: 8, alone: 1e-6, bandwidth: 128, sharpness: 8)
    var queue = CTAQueue(capacity: 8)
    queue.launch(count: 2, tokens: 10, pace: bound)
    #expect(abs(queue.finish(pace: bound) - 80) < 1e-6)
  }
}
