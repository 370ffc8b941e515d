/// What a report says of many times: mean, spread, percentiles; milliseconds.
///
/// As `vllm bench serve` computes them: `numpy.mean`, `numpy.std` (of the population, divided by n) and
/// `numpy.percentile` with linear interpolation.
public struct DistributionSummary: Hashable, Sendable {
  /// How many values there were.
  public var count: Int
  /// The arithmetic mean, from an exact integer sum.
  public var mean: Double
  /// The population's standard deviation.
  public var std: Double
  /// The median.
  public var p50: Double
  /// Nine of ten values are at most about this.
  public var p90: Double
  /// 95 of 100 values are at most about this.
  public var p95: Double
  /// 99 of 100 values are at most about this.
  public var p99: Double
  /// The largest value.
  public var max: Double

  /// A summary of given parts, in milliseconds.
  public init(
    count: Int, mean: Double, std: Double, p50: Double, p90: Double, p95: Double, p99: Double,
    max: Double
  ) {
    self.count = count
    self.mean = mean
    self.std = std
    self.p50 = p50
    self.p90 = p90
    self.p95 = p95
    self.p99 = p99
    self.max = max
  }
}

extension DistributionSummary {
  /// The summary of ascending, distinct values with their counts; `nil` without any.
  init?(ascending samples: [WeightedSamples.Sample]) {
    guard let largest = samples.last else { return nil }
    var count = 0
    var sum: Int128 = 0
    for sample in samples {
      count += sample.count
      sum += Int128(sample.value) * Int128(sample.count)
    }
    let meanNanoseconds = Double(sum) / Double(count)
    var squares = 0.0
    for sample in samples {
      let distance = Double(sample.value) - meanNanoseconds
      squares += distance * distance * Double(sample.count)
    }
    let percentiles = Self.percentiles([0.5, 0.9, 0.95, 0.99], of: samples, count: count)
    self.init(
      count: count, mean: meanNanoseconds / 1e6, std: (squares / Double(count)).squareRoot() / 1e6,
      p50: percentiles[0], p90: percentiles[1], p95: percentiles[2], p99: percentiles[3],
      max: Double(largest.value) / 1e6)
  }

  /// Percentiles in milliseconds of ascending samples; `quantiles` ascending, 0 to 1.
  static func percentiles(
    _ quantiles: [Double], of samples: [WeightedSamples.Sample], count: Int
  ) -> [Double] {
    var index = 0
    var before = 0  // Values in samples before `index`.
    return quantiles.map { quantile in
      let place = LinearPercentile.place(of: quantile, in: count)
      while place.lower >= before + samples[index].count {
        before += samples[index].count
        index += 1
      }
      // The next value is the same sample's unless the place is its last.
      let isLast = place.lower + 1 >= before + samples[index].count
      let upper = isLast && index + 1 < samples.count ? index + 1 : index
      return LinearPercentile.interpolate(
        Double(samples[index].value), Double(samples[upper].value), place.fraction) / 1e6
    }
  }
}
