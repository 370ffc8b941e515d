internal import RealModule

/// The elementary functions that the models need.
///
/// They are pure; results differ between machines by at most a unit in the last place, far below the
/// rounding of times to nanoseconds.
enum Elementary {
  /// `base` to the power of `exponent`, for a base of at least 0.
  static func power(_ base: Double, _ exponent: Double) -> Double { .pow(base, exponent) }
  /// The natural logarithm.
  static func logarithm(_ value: Double) -> Double { .log(value) }
  /// The natural exponential.
  static func exponential(_ value: Double) -> Double { .exp(value) }
}
