import TraceModel

/// Wall clocks as traces print them.
extension FieldScanner {
  /// Whether nothing is left.
  var isAtEnd: Bool { position == end }

  /// Takes `2023-11-16 18:15:46[.6805900][+00:00]` as nanoseconds since 1970, UTC if it names no zone.
  ///
  /// A `T` may stand for the blank, a `Z` for the zone; digits beyond the ninth are cut.
  mutating func timestamp(_ bytes: Span<UInt8>) throws(LineFault) -> Nanoseconds {
    let year = try fixed(4, bytes)
    try mark("-", bytes)
    let month = try fixed(2, bytes)
    try mark("-", bytes)
    let day = try fixed(2, bytes)
    if byteOrZero(bytes) == UInt8(ascii: "T") { position += 1 } else { try mark(" ", bytes) }
    let hour = try fixed(2, bytes)
    try mark(":", bytes)
    let minute = try fixed(2, bytes)
    try mark(":", bytes)
    let second = try fixed(2, bytes)
    guard (1970...2200).contains(year), (1...12).contains(month),
      day >= 1, day <= Self.days(in: month, of: year), hour < 24, minute < 60, second < 60
    else { throw LineFault("timestamp names a day or an hour that does not exist") }
    let fraction = try secondFraction(bytes)
    let zone = try zoneSeconds(bytes)
    guard isAtEnd else { throw Self.noTimestamp }
    let days = Self.daysSince1970(year: year, month: month, day: day)
    let seconds = days * 86_400 + hour * 3600 + minute * 60 + second - zone
    return Nanoseconds(Int64(seconds) * 1_000_000_000 + Int64(fraction))
  }

  private static var noTimestamp: LineFault {
    LineFault("not a timestamp like 2023-11-16 18:15:46.6805900")
  }

  /// Takes exactly so many digits.
  private mutating func fixed(_ count: Int, _ bytes: Span<UInt8>) throws(LineFault) -> Int {
    var value = 0
    for _ in 0..<count {
      let digit = byteOrZero(bytes) &- UInt8(ascii: "0")
      guard digit < 10 else { throw Self.noTimestamp }
      value = value * 10 + Int(digit)
      position += 1
    }
    return value
  }

  private mutating func mark(_ mark: Unicode.Scalar, _ bytes: Span<UInt8>) throws(LineFault) {
    guard byteOrZero(bytes) == UInt8(ascii: mark) else { throw Self.noTimestamp }
    position += 1
  }

  /// Takes a point and digits as nanoseconds; none at all are 0.
  private mutating func secondFraction(_ bytes: Span<UInt8>) throws(LineFault) -> Int {
    guard byteOrZero(bytes) == UInt8(ascii: ".") else { return 0 }
    position += 1
    let start = position
    var value = 0
    var unit = 100_000_000
    while byteOrZero(bytes) &- UInt8(ascii: "0") < 10 {
      value += Int(byteOrZero(bytes) - UInt8(ascii: "0")) * unit
      unit /= 10
      position += 1
    }
    guard position > start else { throw Self.noTimestamp }
    return value
  }

  /// Takes `Z`, `+01:00` or `-0530` as seconds east of Greenwich; none at all is UTC.
  private mutating func zoneSeconds(_ bytes: Span<UInt8>) throws(LineFault) -> Int {
    switch byteOrZero(bytes) {
    case UInt8(ascii: "Z"):
      position += 1
      return 0
    case let sign where sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-"):
      position += 1
      let hours = try fixed(2, bytes)
      if byteOrZero(bytes) == UInt8(ascii: ":") { position += 1 }
      let minutes = isAtEnd ? 0 : try fixed(2, bytes)
      guard hours < 24, minutes < 60 else { throw Self.noTimestamp }
      let seconds = hours * 3600 + minutes * 60
      return sign == UInt8(ascii: "-") ? -seconds : seconds
    default: return 0
    }
  }

  private static func days(in month: Int, of year: Int) -> Int {
    let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    return month == 2 ? (isLeap ? 29 : 28) : [4, 6, 9, 11].contains(month) ? 30 : 31
  }

  /// Days from 1970-01-01 in the Gregorian calendar (Hinnant, "chrono-compatible date algorithms").
  private static func daysSince1970(year: Int, month: Int, day: Int) -> Int {
    // The year is taken to begin in March, so that the leap day is its last.
    let shifted = month <= 2 ? year - 1 : year
    let era = shifted / 400
    let yearOfEra = shifted - era * 400
    let dayOfYear = (153 * ((month + 9) % 12) + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    return era * 146_097 + dayOfEra - 719_468
  }
}
