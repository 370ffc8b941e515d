/// How fast CTAs advance while so many of them run.
protocol CTAPace {
  /// Nanoseconds per KV token of each while `count` run.
  func nanosecondsPerToken(count: Int) -> Double
}

/// CTAs that run as slots come free: the launch of a kernel with more CTAs than the GPU holds.
///
/// CTAs start in launch order. All that run advance at the same pace, which depends on their number;
/// so "tokens advanced since the launch" is a clock on which every running CTA has a fixed end, and the
/// ends to come are the whole state. A replay asks for hundreds of ends a step, so they are kept in a
/// calendar: a ring of days, each 1/510 of the longest CTA. Those that end on one day free their slots
/// together, at the mean of their ends, so that no work is lost or gained.
struct CTAQueue {
  private struct Day {
    /// CTAs that end on it.
    var count = 0
    /// The mean of their ends.
    var tokens = 0.0

    @inline(__always)
    mutating func add(_ more: Int, ending end: Double) {
      // Most days have CTAs of one end, for which there is nothing to divide.
      count += more
      if count == more {
        tokens = end
      } else {
        tokens += (end - tokens) * Double(more) / Double(count)
      }
    }
  }

  private let capacity: Int
  private let daysPerToken: Double
  private var running = 0
  private var clock = 0.0
  /// The day of the clock.
  private var today = 0
  /// When a CTA last found every slot taken.
  private var fullUntil = 0.0
  /// A power of two of days.
  private var calendar = InlineArray<512, Day>(repeating: Day())
  /// One bit a day, 64 to a word: whether anything ends on it.
  private var busy = InlineArray<8, UInt64>(repeating: 0)

  /// A GPU that holds `capacity` CTAs of the kernel at once, none with more than `longest` tokens.
  init(capacity: Int, longest: Double) {
    self.capacity = max(1, capacity)
    // One day less than the ring has, since a CTA may start and end within days, and one for rounding.
    daysPerToken = Double(calendar.count - 2) / max(longest, 1)
  }

  /// Launches `count` CTAs of `tokens` work each, which wait for slots.
  mutating func launch(count: Int, tokens: Double) {
    var waiting = count
    while waiting > 0 {
      if running == capacity {
        running -= retireNext()
        fullUntil = clock
      }
      let started = min(waiting, capacity - running)
      let end = clock + tokens
      let day = Int(end * daysPerToken) & (calendar.count - 1)
      calendar[day].add(started, ending: end)
      busy[day >> 6] |= 1 << UInt64(day & 63)
      running += started
      waiting -= started
    }
  }

  /// Nanoseconds from the launch until the last CTA ends: all slots are taken until the last CTA
  /// starts, and from then on fewer.
  mutating func finish(pace: some CTAPace) -> Double {
    var nanoseconds = fullUntil == 0 ? 0 : fullUntil * pace.nanosecondsPerToken(count: capacity)
    while running > 0 {
      let before = clock
      let retired = retireNext()
      nanoseconds += (clock - before) * pace.nanosecondsPerToken(count: running)
      running -= retired
    }
    return nanoseconds
  }

  /// Moves the clock to the next day with an end; the CTAs that end.
  @inline(__always)
  private mutating func retireNext() -> Int {
    var word = today >> 6
    var bits = busy[word] & (~0 << UInt64(today & 63))
    while bits == 0 {
      word = (word + 1) & (busy.count - 1)
      bits = busy[word]
    }
    today = word << 6 | bits.trailingZeroBitCount
    busy[word] &= ~(1 << UInt64(today & 63))
    let ended = calendar[today]
    calendar[today] = Day()
    clock = ended.tokens
    return ended.count
  }
}
