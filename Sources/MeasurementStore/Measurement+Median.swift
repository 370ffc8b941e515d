public import TraceModel

extension Measurement {
  /// The median of all samples; the mean of the middle two of an even number, rounded down.
  public var median: Nanoseconds? {
    let sorted = samples.sorted()
    guard !sorted.isEmpty else { return nil }
    let middle = sorted.count / 2
    if sorted.count % 2 == 1 { return sorted[middle] }
    return Nanoseconds((sorted[middle - 1].rawValue + sorted[middle].rawValue) / 2)
  }

  /// The same with its median as the only sample, under the last date: what a replay looks at.
  public var condensed: Measurement {
    guard let median, let last = sampleSets.last else { return self }
    return Measurement(
      key: key, sampleSets: [SampleSet(samples: [median], date: last.date)], status: status)
  }
}
