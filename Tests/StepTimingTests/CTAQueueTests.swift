import Testing

@testable import StepTiming

@Suite("CTAs that wait for slots")
struct CTAQueueTests {
  /// One nanosecond per token, however many run.
  static let steady = BandwidthCurve(capacity: 8, alone: 1, bandwidth: 1e12, sharpness: 8)

  @Test("take as long as their longest one while they all fit")
  func fits() {
    var queue = CTAQueue(capacity: 4, longest: 25)
    queue.launch(count: 3, tokens: 10)
    queue.launch(count: 1, tokens: 25)
    #expect(abs(queue.finish(pace: Self.steady) - 25) < 1e-9)
  }

  @Test("run in a second wave when there is one too many")
  func waves() {
    var queue = CTAQueue(capacity: 4, longest: 10)
    queue.launch(count: 5, tokens: 10)
    #expect(abs(queue.finish(pace: Self.steady) - 20) < 1e-9)
  }

  @Test("start in launch order on whichever slot comes free first")
  func listScheduling() {
    // Two slots: 7 and 3 start; 5 follows the 3, ends at 8.
    var queue = CTAQueue(capacity: 2, longest: 7)
    for tokens in [7.0, 3, 5] { queue.launch(count: 1, tokens: tokens) }
    #expect(abs(queue.finish(pace: Self.steady) - 8) < 1e-9)
  }

  @Test("slow one another down at the memory's bandwidth")
  func sharesBandwidth() {
    // 512 bytes per token at 128 bytes per nanosecond: four nanoseconds for every running CTA.
    let bound = BandwidthCurve(capacity: 8, alone: 1e-6, bandwidth: 128, sharpness: 8)
    var queue = CTAQueue(capacity: 8, longest: 10)
    queue.launch(count: 2, tokens: 10)
    #expect(abs(queue.finish(pace: bound) - 80) < 1e-6)
  }

  /// The calendar's days join ends that lie close; every end on its own is the yardstick.
  @Test(
    "end within a thousandth or two of a queue that keeps every end apart",
    arguments: [0.1, 1, 2], [6, 20, 100])
  func nearlyExact(spread: Double, rows: Int) {
    let pace = BandwidthCurve(capacity: 660, alone: 78, bandwidth: 3_000, sharpness: 4)
    for trial in 0..<10 {
      let lengths = (0..<rows).map { row in
        let share = (Double(row * 10 + trial) * 0.618_033_988_749_895)
          .truncatingRemainder(dividingBy: 1)
        return min(8192, max(16, 64 * Elementary.power(2, spread * 6 * (share - 0.5)))).rounded()
          + 20.3
      }.sorted(by: >)
      var queue = CTAQueue(capacity: 660, longest: lengths[0])
      var exact = EveryEndApart(capacity: 660)
      for _ in 0..<16 {
        for length in lengths {
          queue.launch(count: 8, tokens: length)
          exact.launch(count: 8, tokens: length, pace: pace)
        }
        queue.launch(count: rows * 2, tokens: 4.7)
        exact.launch(count: rows * 2, tokens: 4.7, pace: pace)
      }
      let expected = exact.finish(pace: pace)
      #expect(abs(queue.finish(pace: pace) / expected - 1) < 0.002)
    }
  }
}

/// The same queue with a list of ends, searched through each time.
private struct EveryEndApart {
  let capacity: Int
  var ends: [(tokens: Double, count: Int)] = []
  var running = 0
  var clock = 0.0
  var nanoseconds = 0.0

  init(capacity: Int) { self.capacity = capacity }

  mutating func launch(count: Int, tokens: Double, pace: some CTAPace) {
    var waiting = count
    while waiting > 0 {
      if running == capacity { retireNext(pace) }
      let started = min(waiting, capacity - running)
      ends.append((clock + tokens, started))
      running += started
      waiting -= started
    }
  }

  mutating func finish(pace: some CTAPace) -> Double {
    while !ends.isEmpty { retireNext(pace) }
    return nanoseconds
  }

  private mutating func retireNext(_ pace: some CTAPace) {
    guard let first = ends.indices.min(by: { ends[$0].tokens < ends[$1].tokens }) else { return }
    let next = ends.remove(at: first)
    nanoseconds += (next.tokens - clock) * pace.nanosecondsPerToken(count: running)
    clock = next.tokens
    running -= next.count
  }
}
