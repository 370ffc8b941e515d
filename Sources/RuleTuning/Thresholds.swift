internal import KernelSelection
internal import TraceModel

/// The bounds that a quantity may be compared with: numbers a person would write.
enum Thresholds {
  /// Ascending bounds below the largest value, so that each has batches on both sides.
  static func candidates(of quantity: RuleQuantity, values: [Double]) -> [Double] {
    guard let least = values.min(), let most = values.max(), least < most else { return [] }
    let numbers =
      switch quantity {
      case .rows, .tokens, .maxQueryLength, .queryBlocksTimesKVHeads, .kvHeads, .smCount:
        Set(values).sorted()
      case .maxKVLength, .meanKVLength, .sumKVLength: quarters(from: least, to: most)
      case .skew: skews
      }
    let inside = numbers.filter { least <= $0 && $0 < most }
    return thinned(inside)
  }

  /// Four a doubling, such as 512, 640, 768, 896 and 1024.
  private static func quarters(from least: Double, to most: Double) -> [Double] {
    var numbers: [Double] = []
    var octave = 16.0
    while octave < most {
      numbers += [4, 5, 6, 7].map { octave * $0 / 4 }
      octave *= 2
    }
    return numbers
  }

  private static let skews: [Double] = [
    1, 1.1, 1.25, 1.5, 1.75, 2, 2.5, 3, 3.5, 4, 5, 6, 7, 8, 10, 12, 16, 20, 24, 32, 40, 48, 64, 96,
    128, 192, 256, 384, 512,
  ]

  /// At most as many as the limit, spread evenly, ends included.
  private static func thinned(_ numbers: [Double]) -> [Double] {
    let most = TuningLimits.thresholdsMax
    guard numbers.count > most else { return numbers }
    return (0..<most).map { numbers[$0 * (numbers.count - 1) / (most - 1)] }
  }

  /// The place of a value among bounds: how many lie below it.
  static func bin(_ value: Double, _ bounds: [Double]) -> Int {
    bounds.partitioningIndex { $0 >= value }
  }
}
