public import TraceModel

/// Nanoseconds written as decimal seconds, exactly and without a detour over floating point.
public enum SecondsText {
  /// Appends such as `0.014923417`; zeros at the end are left out, one digit after the point stays.
  public static func append(_ time: Nanoseconds, to bytes: inout [UInt8]) {
    append(time.rawValue, scale: 9, to: &bytes)
  }

  /// Appends `value` · 10^-`scale` as a decimal with at least one digit after the point.
  public static func append(_ value: Int64, scale: Int, to bytes: inout [UInt8]) {
    var rest = value.magnitude
    if value < 0 { bytes.append(UInt8(ascii: "-")) }
    // The digits come last first; a decimal of 64 bits has at most 20, and one point.
    let start = bytes.count
    var places = scale
    var isTrailing = true
    while places > 0 {
      let digit = UInt8(truncatingIfNeeded: rest % 10)
      rest /= 10
      places -= 1
      if isTrailing, digit == 0, places > 0 { continue }
      isTrailing = false
      bytes.append(UInt8(ascii: "0") + digit)
    }
    bytes.append(UInt8(ascii: "."))
    repeat {
      bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10))
      rest /= 10
    } while rest > 0
    bytes[start...].reverse()
  }

  /// The same as a string.
  public static func text(_ time: Nanoseconds) -> String {
    var bytes: [UInt8] = []
    append(time, to: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }
}
