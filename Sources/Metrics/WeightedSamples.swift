public import TraceModel

/// Times that occur many times over: what pooling every gap of every request gives.
///
/// Requests that run side by side share their gaps, so millions of gaps are a few hundred thousand
/// pairs of value and count. Results are those of the expanded list, in integers until the end, and do
/// not depend on the order or the grouping in which samples were added.
public struct WeightedSamples: Sendable {
  /// A time and how often it occurs.
  struct Sample: Hashable, Sendable {
    /// Nanoseconds.
    var value: Int64
    /// Occurrences, at least one.
    var count: Int
  }

  private var samples: [Sample] = []

  /// How many values there are, each counted as often as it occurs.
  public private(set) var count = 0

  /// No samples.
  public init() {}

  /// The samples of a list of values.
  public init(_ values: some Sequence<Nanoseconds>) {
    for value in values { add(value) }
  }

  /// Adds a value that occurs `count` times; zero times adds nothing.
  public mutating func add(_ value: Nanoseconds, count: Int = 1) {
    precondition(count >= 0, "a value occurs a whole number of times")
    guard count > 0 else { return }
    samples.append(Sample(value: value.rawValue, count: count))
    self.count += count
  }

  /// Mean, spread and percentiles; `nil` without samples.
  ///
  /// Cost grows linearly with the pairs, not with the values.
  public func summary() -> DistributionSummary? {
    DistributionSummary(ascending: SampleOrder.ascending(samples))
  }

  /// The values at some places of the order, in milliseconds; empty without samples.
  ///
  /// - `places`: ascending, 0 (the smallest) to 1 (the largest)
  public func quantiles(_ places: [Double]) -> [Double] {
    let ascending = SampleOrder.ascending(samples)
    return ascending.isEmpty
      ? [] : DistributionSummary.percentiles(places, of: ascending, count: count)
  }
}
