/// How much a second policy differs from a first on the same requests, with a 95 % interval.
///
/// Positive means that the second took longer. Pairing by request removes what requests differ in by
/// themselves; the percentile bootstrap (Efron and Tibshirani 1993, chapter 13) asks nothing of the
/// distribution.
public struct PairedDifference: Hashable, Sendable {
  /// The mean of b − a, in milliseconds.
  public var mean: Double
  /// The mean of b − a over the mean of a; 0 where the latter is 0.
  public var relative: Double
  /// The interval's lower end, in milliseconds.
  public var low: Double
  /// The interval's upper end, in milliseconds.
  public var high: Double
  /// The lower end for `relative`.
  public var relativeLow: Double
  /// The upper end for `relative`.
  public var relativeHigh: Double
  /// Requests compared.
  public var pairs: Int
}

extension PairedDifference {
  /// The difference over pairs of milliseconds, in the order of requests; `nil` below
  /// `BootstrapLimits.pairsMin` pairs, which say too little of spread.
  ///
  /// The same arguments give the same interval on any machine. Cost: pairs + blocks × resamples.
  public static func bootstrap(
    a: [Double], b: [Double], seed: UInt64, resamples: Int = BootstrapLimits.resamples
  ) -> PairedDifference? {
    precondition(a.count == b.count, "each request has a value on both sides")
    precondition(resamples >= 1, "an interval needs resamples")
    guard a.count >= BootstrapLimits.pairsMin else { return nil }
    let blocks = ConsecutiveBlocks(a: a, b: b).blocks
    let whole = Ratios(of: blocks)
    var means: [Double] = []
    var relatives: [Double] = []
    means.reserveCapacity(resamples)
    relatives.reserveCapacity(resamples)
    var generator = SplitMix64(seed: seed)
    for _ in 0..<resamples {
      let ratios = Ratios(drawing: blocks, with: &generator)
      means.append(ratios.mean)
      relatives.append(ratios.relative)
    }
    let (low, high) = interval(&means, around: whole.mean)
    let (relativeLow, relativeHigh) = interval(&relatives, around: whole.relative)
    return PairedDifference(
      mean: whole.mean, relative: whole.relative, low: low, high: high, relativeLow: relativeLow,
      relativeHigh: relativeHigh, pairs: a.count)
  }

  /// The middle 95 % of resampled values; sums in another order may miss `value` by a last bit, so it
  /// is taken in.
  private static func interval(_ values: inout [Double], around value: Double) -> (Double, Double) {
    values.sort()
    return (
      min(value, LinearPercentile.value(of: 0.025, in: values)),
      max(value, LinearPercentile.value(of: 0.975, in: values))
    )
  }
}

/// What a set of blocks says: sums over requests, divided.
private struct Ratios {
  var mean: Double
  var relative: Double

  init(of blocks: [ConsecutiveBlocks.Block]) {
    var sums = ConsecutiveBlocks.Block(pairs: 0, difference: 0, baseline: 0)
    for block in blocks { sums.add(block) }
    self.init(sums)
  }

  /// As many blocks as there are, each drawn from all.
  init(drawing blocks: [ConsecutiveBlocks.Block], with generator: inout SplitMix64) {
    var sums = ConsecutiveBlocks.Block(pairs: 0, difference: 0, baseline: 0)
    for _ in blocks.indices { sums.add(blocks[generator.next(below: blocks.count)]) }
    self.init(sums)
  }

  private init(_ sums: ConsecutiveBlocks.Block) {
    mean = sums.difference / sums.pairs
    relative = sums.baseline == 0 ? 0 : sums.difference / sums.baseline
  }
}

extension ConsecutiveBlocks.Block {
  @inline(__always)
  fileprivate mutating func add(_ other: Self) {
    pairs += other.pairs
    difference += other.difference
    baseline += other.baseline
  }
}
