internal import HeapModule

/// How fast CTAs advance while so many of them run.
protocol CTAPace {
  /// Nanoseconds per KV token of each while `count` run.
  func nanosecondsPerToken(count: Int) -> Double
}

/// CTAs that run as slots come free: the launch of a kernel with more CTAs than the GPU holds.
///
/// CTAs start in launch order. All that run advance at the same pace, which depends on their number;
/// so "tokens advanced since the launch" is a clock on which every running CTA has a fixed end, and a
/// heap of ends is the whole state.
struct CTAQueue {
  private struct End: Comparable {
    let tokens: Double
    let count: Int
    static func < (a: End, b: End) -> Bool { a.tokens < b.tokens }
  }

  private let capacity: Int
  private var ends = Heap<End>()
  private var running = 0
  private var clock = 0.0
  private var nanoseconds = 0.0

  /// A GPU that holds `capacity` CTAs of the kernel at once.
  init(capacity: Int) { self.capacity = max(1, capacity) }

  /// Launches `count` CTAs of `tokens` work each, waiting for slots at the given pace.
  mutating func launch(count: Int, tokens: Double, pace: some CTAPace) {
    var waiting = count
    while waiting > 0 {
      if running == capacity { retireNext(pace: pace) }
      let started = min(waiting, capacity - running)
      ends.insert(End(tokens: clock + tokens, count: started))
      running += started
      waiting -= started
    }
  }

  /// Nanoseconds from the launch until the last CTA ends.
  mutating func finish(pace: some CTAPace) -> Double {
    while !ends.isEmpty { retireNext(pace: pace) }
    return nanoseconds
  }

  private mutating func retireNext(pace: some CTAPace) {
    guard let next = ends.popMin() else { return }
    nanoseconds += (next.tokens - clock) * pace.nanosecondsPerToken(count: running)
    clock = next.tokens
    running -= next.count
  }
}
