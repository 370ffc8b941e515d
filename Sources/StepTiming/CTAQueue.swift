/// How fast CTAs advance while so many of them run.
protocol CTAPace {
  /// Nanoseconds per KV token of each while `count` run.
  func nanosecondsPerToken(count: Int) -> Double
}

/// CTAs that run as slots come free: the launch of a kernel with more CTAs than the GPU holds.
///
/// CTAs start in launch order. All that run advance at the same pace, which depends on their number;
/// so "tokens advanced since the launch" is a clock on which every running CTA has a fixed end, and a
/// heap of ends is the whole state. A launch of a full GPU replaces the first end by its own, which
/// costs one walk down the heap: a replay asks this some hundreds of times for every step.
struct CTAQueue {
  private struct End {
    var tokens: Double
    var count: Int
  }

  private let capacity: Int
  /// A binary heap: the first to end stands first.
  private var ends: [End] = []
  private var running = 0
  private var clock = 0.0
  private var nanoseconds = 0.0
  /// Nanoseconds per token with every slot taken, once asked.
  private var fullPace: Double?

  /// A GPU that holds `capacity` CTAs of the kernel at once.
  init(capacity: Int) { self.capacity = max(1, capacity) }

  /// Launches `count` CTAs of `tokens` work each, waiting for slots at the given pace.
  mutating func launch(count: Int, tokens: Double, pace: some CTAPace) {
    var waiting = count
    while waiting > 0, running < capacity { insert(taking: &waiting, tokens) }
    guard waiting > 0 else { return }
    let paceWhenFull = fullPace ?? pace.nanosecondsPerToken(count: capacity)
    fullPace = paceWhenFull
    while waiting > 0 {
      if running < capacity {
        insert(taking: &waiting, tokens)
      } else {
        let next = ends[0]
        nanoseconds += (next.tokens - clock) * paceWhenFull
        clock = next.tokens
        let started = min(waiting, next.count)
        siftDown(End(tokens: clock + tokens, count: started))
        running += started - next.count
        waiting -= started
      }
    }
  }

  /// Nanoseconds from the launch until the last CTA ends.
  mutating func finish(pace: some CTAPace) -> Double {
    ends.sort { $0.tokens < $1.tokens }
    for end in ends {
      if end.tokens > clock {
        nanoseconds += (end.tokens - clock) * pace.nanosecondsPerToken(count: running)
        clock = end.tokens
      }
      running -= end.count
    }
    ends = []
    return nanoseconds
  }

  /// Starts as many as there are slots for.
  private mutating func insert(taking waiting: inout Int, _ tokens: Double) {
    let started = min(waiting, capacity - running)
    let end = End(tokens: clock + tokens, count: started)
    var place = ends.count
    ends.append(end)
    while place > 0, ends[(place - 1) / 2].tokens > end.tokens {
      ends[place] = ends[(place - 1) / 2]
      place = (place - 1) / 2
    }
    ends[place] = end
    running += started
    waiting -= started
  }

  /// Puts an end in the place of the first.
  private mutating func siftDown(_ end: End) {
    var place = 0
    var child = 1
    while child < ends.count {
      if child + 1 < ends.count, ends[child + 1].tokens < ends[child].tokens { child += 1 }
      guard ends[child].tokens < end.tokens else { break }
      ends[place] = ends[child]
      place = child
      child = 2 * place + 1
    }
    ends[place] = end
  }
}
