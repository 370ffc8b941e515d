internal import MeasurementStore
internal import TraceModel

/// When enough samples of one batch are taken: order statistics alone, no shape is assumed.
enum StoppingRule {
  /// Half the 95 % interval of the median, as a share of it; `nil` for fewer than six samples.
  ///
  /// The interval lies between the samples of rank n/2 ∓ 1.96 √n / 2 (normal approximation to the
  /// binomial distribution of how many samples lie below the median).
  static func relativeHalfWidth(_ samples: [Nanoseconds]) -> Double? {
    guard samples.count >= GPUMeasurementLimits.replaysFirst,
      let median = Measurement.median(of: samples), median > .zero
    else { return nil }
    let sorted = samples.sorted()
    let count = Double(sorted.count)
    let low = max(0, Int((count / 2 - 0.98 * count.squareRoot()).rounded(.down)))
    let high = sorted.count - 1 - low
    return Double(sorted[high].rawValue - sorted[low].rawValue) / 2 / Double(median.rawValue)
  }

  /// Whether no more samples are wanted.
  static func isSatisfied(by samples: [Nanoseconds]) -> Bool {
    guard samples.count < GPUMeasurementLimits.replaysMax else { return true }
    guard let width = relativeHalfWidth(samples) else { return false }
    return width < GPUMeasurementLimits.relativeHalfWidthMax
  }
}
