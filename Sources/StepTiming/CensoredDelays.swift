internal import TraceModel

/// Delays of which some are only known not to have been longer than a bound.
///
/// A launch shows where the tokens of the step before waited for it, that is, where it was long; of
/// the others a recording has a bound. To leave these out would make launches look longer than they
/// are, so the distribution is the product-limit estimate (Kaplan and Meier, 1958) with time
/// reversed, since the bounds are upper ones.
struct CensoredDelays: Sendable {
  private var seen: [Nanoseconds] = []
  private var bounds: [Nanoseconds] = []

  /// A delay that was seen.
  mutating func add(_ delay: Nanoseconds) { seen.append(delay) }

  /// A delay that was at most `bound`.
  mutating func add(atMost bound: Nanoseconds) { bounds.append(max(.zero, bound)) }

  /// Takes another recording's in.
  mutating func add(_ other: CensoredDelays) {
    seen += other.seen
    bounds += other.bounds
  }

  /// All delays in another proportion.
  func scaled(by numerator: Nanoseconds, over denominator: Nanoseconds) -> CensoredDelays {
    var scaled = CensoredDelays()
    scaled.seen = seen.map { $0.scaled(by: numerator, over: denominator) }
    scaled.bounds = bounds.map { $0.scaled(by: numerator, over: denominator) }
    return scaled
  }

  /// Delays that were seen.
  var seenCount: Int { seen.count }
  /// All delays, bounds included.
  var count: Int { seen.count + bounds.count }

  /// The delays at evenly spaced shares of the distribution, ascending; empty where none was seen.
  ///
  /// What lies below all that were seen counts as the least of them.
  func quantiles(_ number: Int) -> [Nanoseconds] {
    let points = distribution
    guard let least = points.last?.delay else { return [] }
    return (0..<number).map { index in
      let share = (Double(index) + 0.5) / Double(number)
      return points.last { $0.share >= share }?.delay ?? least
    }
  }

  /// The middle value; `nil` where none was seen.
  var median: Nanoseconds? { quantiles(1).first }

  /// The middle value if no bound stands for it; else `nil`.
  var seenMedian: Nanoseconds? { distribution.last { $0.share >= 0.5 && $0.below <= 0.5 }?.delay }

  /// For each delay that was seen, the longest first, the shares of delays that are no longer, and of
  /// those that are shorter.
  private var distribution: [(delay: Nanoseconds, share: Double, below: Double)] {
    let events = seen.sorted(by: >)
    let all = (seen + bounds).sorted()
    var points: [(delay: Nanoseconds, share: Double, below: Double)] = []
    var share = 1.0
    var (event, atRisk) = (0, all.count)
    while event < events.count {
      let delay = events[event]
      let same = events[event...].prefix { $0 == delay }.count
      while atRisk > 0, all[atRisk - 1] > delay { atRisk -= 1 }
      let below = share * (1 - Double(same) / Double(atRisk))
      points.append((delay, share, below))
      share = below
      event += same
    }
    return points
  }
}
