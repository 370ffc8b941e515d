/// A mean of integers that forgets, the same on every machine.
///
/// Kept in sixteenths. A surprise counts for at most `limit`, so that a pause of the host, which is no
/// news about the next step, hardly moves it.
struct MovingMean {
  /// Values beyond this magnitude count as this, so that no arithmetic on them overflows.
  static let magnitudeMax: Int64 = 1 << 40

  private var sixteenths: Int64 = 0
  private let limit: Int64
  private let shift: Int64

  /// A mean of zero that moves by the `shift`-th power of one half of a surprise.
  init(limit: Int64, shift: Int64) {
    self.limit = limit * 16
    self.shift = shift
  }

  /// The mean, rounded to the nearest integer, halves upwards.
  @inline(__always)
  var value: Int64 { (sixteenths + 8) >> 4 }

  @inline(__always)
  mutating func add(_ value: Int64) {
    let bounded = min(max(value, -Self.magnitudeMax), Self.magnitudeMax)
    sixteenths += min(max(bounded * 16 - sixteenths, -limit), limit) >> shift
  }
}
