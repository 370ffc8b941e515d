extension FieldScanner {
  /// Takes a whole number from 0 to a bound; a sign, a fraction or text is a fault that names `what`.
  @inline(__always)
  mutating func whole(
    _ what: StaticString, max bound: UInt64, _ bytes: Span<UInt8>
  ) throws(LineFault) -> UInt64 {
    let start = position
    var value: UInt64 = 0
    while true {
      let digit = byteOrZero(bytes) &- UInt8(ascii: "0")
      guard digit < 10 else { break }
      let (product, tooLarge) = value.multipliedReportingOverflow(by: 10)
      let (sum, carry) = product.addingReportingOverflow(UInt64(digit))
      guard !tooLarge, !carry, sum <= bound else {
        throw LineFault("\(what) is larger than \(bound)")
      }
      value = sum
      position += 1
    }
    try checkNumberEnd(what, from: start, bytes)
    return value
  }

  /// Refuses what is no plain number: nothing, a sign, a fraction, a leading zero, text.
  @inline(__always)
  private func checkNumberEnd(
    _ what: StaticString, from start: Int, _ bytes: Span<UInt8>
  ) throws(LineFault) {
    let hasLeadingZero = position > start + 1 && bytes[start] == UInt8(ascii: "0")
    switch byteOrZero(bytes) {
    case UInt8(ascii: ","), UInt8(ascii: "]"), UInt8(ascii: "}"), 0x20, 0, 0x09, 0x0D:
      guard position > start, !hasLeadingZero else { throw notWhole(what, from: start, bytes) }
    default: throw notWhole(what, from: start, bytes)
    }
  }

  private func notWhole(
    _ what: StaticString, from start: Int, _ bytes: Span<UInt8>
  ) -> LineFault {
    var scanner = self
    scanner.position = start
    if scanner.byteOrZero(bytes) == UInt8(ascii: "-") { return LineFault("\(what) is negative") }
    if scanner.byteOrZero(bytes) == 0 { return truncation }
    return LineFault("\(what) is not a whole number")
  }

  /// Takes a decimal number, zero or more, as an exact count of `10^-scale`.
  ///
  /// Digits beyond the scale round half up; an exponent, as Python writes small numbers, is read too.
  @inline(__always)
  mutating func decimal(
    _ what: StaticString, scale: Int, _ bytes: Span<UInt8>
  ) throws(LineFault) -> Int64 {
    let start = position
    var digits = FixedPointDigits()
    while digits.append(byteOrZero(bytes)) { position += 1 }
    guard position > start, position == start + 1 || bytes[start] != UInt8(ascii: "0") else {
      throw notDecimal(what, from: start, bytes)
    }
    if byteOrZero(bytes) == UInt8(ascii: ".") {
      position += 1
      let fraction = position
      while digits.appendFraction(byteOrZero(bytes)) { position += 1 }
      guard position > fraction else { throw notDecimal(what, from: start, bytes) }
    }
    if byteOrZero(bytes) | 0x20 == UInt8(ascii: "e") {
      position += 1
      guard let exponent = exponent(bytes) else { throw notDecimal(what, from: start, bytes) }
      digits.exponent += exponent
    }
    guard let value = digits.value(scale: scale) else { throw LineFault("\(what) is too large") }
    return value
  }

  /// Takes a sign and one to four digits; `nil` for anything else.
  private mutating func exponent(_ bytes: Span<UInt8>) -> Int? {
    let sign = byteOrZero(bytes)
    if sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") { position += 1 }
    let start = position
    var value = 0
    while position < start + 4, byteOrZero(bytes) &- UInt8(ascii: "0") < 10 {
      value = value * 10 + Int(byteOrZero(bytes) - UInt8(ascii: "0"))
      position += 1
    }
    guard position > start, byteOrZero(bytes) &- UInt8(ascii: "0") >= 10 else { return nil }
    return sign == UInt8(ascii: "-") ? -value : value
  }

  private func notDecimal(
    _ what: StaticString, from start: Int, _ bytes: Span<UInt8>
  ) -> LineFault {
    var scanner = self
    scanner.position = start
    if scanner.byteOrZero(bytes) == UInt8(ascii: "-") { return LineFault("\(what) is negative") }
    if byteOrZero(bytes) == 0 { return truncation }
    return LineFault("\(what) is not a number")
  }
}

/// The digits of a decimal number, gathered until they are more than any clock resolves.
struct FixedPointDigits {
  private var magnitude: UInt64 = 0
  /// The power of ten that the magnitude is to be multiplied with.
  var exponent = 0

  /// Adds a digit before the point; `false` for any other byte.
  @inline(__always)
  mutating func append(_ byte: UInt8) -> Bool {
    let digit = byte &- UInt8(ascii: "0")
    guard digit < 10 else { return false }
    if magnitude < 1_000_000_000_000_000_000 {
      magnitude = magnitude * 10 + UInt64(digit)
    } else {
      // Past nineteen digits only the size still counts, and it is out of every range.
      exponent += 1
    }
    return true
  }

  /// Adds a digit behind the point; `false` for any other byte.
  @inline(__always)
  mutating func appendFraction(_ byte: UInt8) -> Bool {
    let digit = byte &- UInt8(ascii: "0")
    guard digit < 10 else { return false }
    if magnitude < 1_000_000_000_000_000_000 {
      magnitude = magnitude * 10 + UInt64(digit)
      exponent -= 1
    }
    return true
  }

  /// The number as a count of `10^-scale`, rounded half up; `nil` where 63 bits do not hold it.
  @inline(__always)
  func value(scale: Int) -> Int64? {
    let shift = scale + exponent
    guard magnitude > 0 else { return 0 }
    guard shift < 0 else {
      guard shift < 19 else { return nil }
      let (product, overflow) = magnitude.multipliedReportingOverflow(by: Self.powersOfTen[shift])
      return overflow ? nil : Int64(exactly: product)
    }
    guard shift > -19 else { return 0 }
    let power = Self.powersOfTen[-shift]
    return Int64((magnitude + power / 2) / power)
  }

  private static let powersOfTen: [UInt64] = {
    var powers: [UInt64] = [1]
    for _ in 1..<19 { powers.append((powers.last ?? 1) * 10) }
    return powers
  }()
}
