#if canImport(Glibc)
  private import Glibc
#elseif canImport(Musl)
  private import Musl
#else
  private import Darwin
#endif

/// The few functions of the C mathematics library that the models need.
///
/// They are pure, so the core may call them; results differ between C libraries by at most a unit in
/// the last place, far below the rounding of times to nanoseconds.
enum Elementary {
  /// `base` to the power of `exponent`, for a base of at least 0.
  static func power(_ base: Double, _ exponent: Double) -> Double { pow(base, exponent) }
  /// The natural logarithm.
  static func logarithm(_ value: Double) -> Double { log(value) }
  /// The natural exponential.
  static func exponential(_ value: Double) -> Double { exp(value) }
}
