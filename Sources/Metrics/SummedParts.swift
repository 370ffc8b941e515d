/// What each of several parts adds to a sum over steps or requests, with 95 % intervals.
///
/// A resample draws whole blocks of consecutive values, as for `PairedDifference`, and all parts from the
/// same draws.
public struct SummedParts: Sendable {
  /// One part.
  public struct Part: Hashable, Sendable {
    /// The sum of its values.
    public var sum: Double
    /// The interval's lower end.
    public var low: Double
    /// The interval's upper end.
    public var high: Double

    /// Nothing, for certain.
    public static let zero = Part(sum: 0, low: 0, high: 0)

    /// A part of which everything is known.
    init(sum: Double, low: Double, high: Double) {
      self.sum = sum
      self.low = low
      self.high = high
    }
  }

  /// The parts, in order.
  public let parts: [Part]

  /// Sums of `values`, each of which belongs to the part that stands at its place in `owners`; one with a
  /// negative owner belongs to none.
  ///
  /// The same arguments give the same intervals on any machine. Cost: values + blocks × parts × resamples.
  public init(
    of values: [Double], owners: [Int], parts count: Int, seed: UInt64,
    resamples: Int = BootstrapLimits.resamples
  ) {
    precondition(values.count == owners.count, "each value has an owner")
    precondition(resamples >= 1, "an interval needs resamples")
    let blocks = ConsecutiveBlocks.count(forPairs: values.count)
    // Block by block, so that a resample adds neighbours.
    var sums = Array(repeating: 0.0, count: count * blocks)
    var sizes = Array(repeating: 0.0, count: blocks)
    for block in 0..<blocks {
      let range = values.count * block / blocks..<values.count * (block + 1) / blocks
      sizes[block] = Double(range.count)
      for place in range where owners[place] >= 0 {
        sums[block * count + owners[place]] += values[place]
      }
    }
    let wholes = (0..<count).map { part in
      (0..<blocks).reduce(0) { $0 + sums[$1 * count + part] }
    }
    var resampled = Array(repeating: [Double](), count: count)
    var generator = SplitMix64(seed: seed)
    for _ in 0..<(blocks > 0 ? resamples : 0) {
      var drawn = Array(repeating: 0.0, count: count)
      var size = 0.0
      for _ in 0..<blocks {
        let block = generator.next(below: blocks)
        size += sizes[block]
        for part in 0..<count { drawn[part] += sums[block * count + part] }
      }
      for part in 0..<count { resampled[part].append(drawn[part] * Double(values.count) / size) }
    }
    parts = zip(wholes, resampled).map { whole, values in
      guard !values.isEmpty else { return Part(sum: whole, low: whole, high: whole) }
      let sorted = values.sorted()
      return Part(
        sum: whole, low: min(whole, LinearPercentile.value(of: 0.025, in: sorted)),
        high: max(whole, LinearPercentile.value(of: 0.975, in: sorted)))
    }
  }
}
