public import TraceModel

extension Measurement {
  /// The median of all samples.
  public var median: Nanoseconds? { Self.median(of: samples) }

  /// The median of some samples; the mean of the middle two of an even number, rounded down.
  public static func median(of samples: [Nanoseconds]) -> Nanoseconds? {
    let sorted = samples.sorted()
    guard !sorted.isEmpty else { return nil }
    let middle = sorted.count / 2
    if sorted.count % 2 == 1 { return sorted[middle] }
    // Half of the distance: the sum of any two, and the distance itself, may need a bit more than 64.
    let (low, high) = (sorted[middle - 1].rawValue, sorted[middle].rawValue)
    return Nanoseconds(low &+ Int64(UInt64(bitPattern: high &- low) / 2))
  }

  /// The same with its median as the only sample, under the last date: what a replay looks at.
  public var condensed: Measurement {
    guard let median, let last = sampleSets.last else { return self }
    return Measurement(
      key: key, sampleSets: [SampleSet(samples: [median], date: last.date)], status: status)
  }
}
