internal import TraceModel

/// Times as the file has them: microseconds, and tenths of one for the GPU.
enum FileTime {
  static func microseconds(_ time: Nanoseconds) -> Int64 { rounded(time.rawValue, by: 1000) }
  static func tenths(_ time: Nanoseconds) -> Int64 { rounded(time.rawValue, by: 100) }
  static func fromMicroseconds(_ value: Int64) -> Nanoseconds { Nanoseconds(value * 1000) }
  static func fromTenths(_ value: Int64) -> Nanoseconds { Nanoseconds(value * 100) }

  /// A predicted value plus what was stored, within the format's bound.
  @inline(__always)
  static func sum(_ predicted: Int64, _ stored: Int64) throws(Corruption) -> Int64 {
    let (value, overflow) = predicted.addingReportingOverflow(stored)
    guard !overflow, value.magnitude <= UInt64(TraceFileLimits.microsecondsMax) else {
      throw Corruption("a time is out of range")
    }
    return value
  }

  private static func rounded(_ value: Int64, by unit: Int64) -> Int64 {
    let (quotient, remainder) = value.quotientAndRemainder(dividingBy: unit)
    if remainder * 2 >= unit { return quotient + 1 }
    return remainder * 2 <= -unit ? quotient - 1 : quotient
  }
}
