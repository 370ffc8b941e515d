/// How steps in pieces of one size differ from each other: factors of the rest, ascending, 1 in the mean.
///
/// Matrix products on prompts draw all the power that a GPU may have, so its clock moves from step to
/// step, by a few percent either way. Means do not see that; the slowest steps, which the 99th percentile
/// of ITL shows, do. A replay takes the factors in a fixed order that covers them evenly (van der
/// Corput's sequence), so it stays a pure function, and all policies meet the same ones.
public struct RestSpread: Hashable, Sendable {
  /// The factors; empty where every step is as the mean.
  public let factors: [Double]

  /// Every step of a size takes the same.
  public static let none = RestSpread(factors: [])

  /// Given factors; they must be positive.
  public init(factors: [Double]) { self.factors = factors.sorted() }

  /// Quantiles of what steps took over what their size takes; `none` of too few.
  ///
  /// Read off long steps. In a short one the GPU may wait for the host, which on an uneven one adds half of
  /// the step now and then; a long step, which would be made longer by as large a factor, never waits.
  init(_ steps: [(microseconds: Double, ratio: Double)]) {
    let ratios = steps.filter { $0.microseconds >= Self.launchMax }.map(\.ratio).sorted()
    guard ratios.count >= Self.quantiles else {
      self = .none
      return
    }
    let quantiles = ratios.middles(ofParts: Self.quantiles)
    let mean = quantiles.reduce(0, +) / Double(quantiles.count)
    self.init(factors: quantiles.map { $0 / mean })
  }

  private static let quantiles = 32
  /// Microseconds in which hosts as they were seen have nearly always launched a step.
  static let launchMax = 50_000.0

  /// The factor of the step that comes after `count` others.
  func factor(after count: UInt32) -> Double {
    guard !factors.isEmpty else { return 1 }
    let place = (UInt64(count.bitReversed) * UInt64(factors.count)) >> 32
    return factors[Int(place)]
  }
}

extension UInt32 {
  /// Its bits in the opposite order, which is van der Corput's sequence over 2³².
  fileprivate var bitReversed: UInt32 {
    var value = self
    value = (value >> 1) & 0x5555_5555 | (value & 0x5555_5555) << 1
    value = (value >> 2) & 0x3333_3333 | (value & 0x3333_3333) << 2
    value = (value >> 4) & 0x0F0F_0F0F | (value & 0x0F0F_0F0F) << 4
    return value.byteSwapped
  }
}
