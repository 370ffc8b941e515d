// MARK: Numbers

extension JSONParser {
  /// Parses a number: its digits once, checking the grammar, with the value gathered on the way.
  mutating func number(_ bytes: Span<UInt8>) throws(JSONError) -> JSONValue {
    let start = position
    var digits = DecimalDigits()
    if bytes[position] == UInt8(ascii: "-") {
      digits.isNegative = true
      position += 1
    }
    let first = position
    try readDigits(bytes, into: &digits)
    if bytes[first] == UInt8(ascii: "0"), position > first + 1 {
      throw JSONError(.unexpectedByte(bytes[first + 1]), offset: first + 1)
    }
    var isWhole = true
    if position < bytes.count, bytes[position] == UInt8(ascii: ".") {
      isWhole = false
      position += 1
      let fraction = position
      try readDigits(bytes, into: &digits)
      digits.exponent -= position - fraction
    }
    if position < bytes.count, bytes[position] | 0x20 == UInt8(ascii: "e") {
      isWhole = false
      position += 1
      digits.exponent += try exponent(bytes)
    }
    guard position - start <= JSONLimits.numberBytesMax else {
      throw JSONError(.tooLong, offset: start)
    }
    if isWhole, let integer = digits.integer { return .integer(integer) }
    if let exact = digits.exactDouble { return .number(exact) }
    return .number(try nearestDouble(bytes, from: start))
  }

  private mutating func readDigits(
    _ bytes: Span<UInt8>, into digits: inout DecimalDigits
  ) throws(JSONError) {
    let start = position
    while position < bytes.count {
      let digit = bytes[position] &- UInt8(ascii: "0")
      guard digit < 10 else { break }
      digits.append(digit)
      position += 1
    }
    guard position == start else { return }
    guard position < bytes.count else { throw JSONError(.truncated, offset: position) }
    throw JSONError(.unexpectedByte(bytes[position]), offset: position)
  }

  private mutating func exponent(_ bytes: Span<UInt8>) throws(JSONError) -> Int {
    var digits = DecimalDigits()
    if position < bytes.count {
      digits.isNegative = bytes[position] == UInt8(ascii: "-")
      if digits.isNegative || bytes[position] == UInt8(ascii: "+") { position += 1 }
    }
    try readDigits(bytes, into: &digits)
    // Beyond a million the slow path decides; the value only has to leave the exact range.
    let bounded = min(digits.magnitude, 1_000_000)
    return digits.isNegative ? -Int(bounded) : Int(bounded)
  }

  /// What the standard library makes of the text: correctly rounded, infinite where it overflows.
  private func nearestDouble(_ bytes: Span<UInt8>, from start: Int) throws(JSONError) -> Double {
    var text = ""
    for index in start..<position { text.unicodeScalars.append(Unicode.Scalar(bytes[index])) }
    guard let value = Double(text), value.isFinite else {
      throw JSONError(.numberOutOfRange, offset: start)
    }
    return value
  }
}

/// Decimal digits read so far, as an integer and a power of ten.
struct DecimalDigits {
  var magnitude: UInt64 = 0
  var exponent = 0
  var isNegative = false
  /// Set once the digits no longer fit; the magnitude then stays at the largest value.
  var overflowed = false

  @inline(__always)
  mutating func append(_ digit: UInt8) {
    let (product, tooLarge) = magnitude.multipliedReportingOverflow(by: 10)
    let (sum, carry) = product.addingReportingOverflow(UInt64(digit))
    overflowed = overflowed || tooLarge || carry
    magnitude = overflowed ? .max : sum
  }

  /// The value as an integer, where it fits; for numbers without fraction and exponent.
  var integer: Int64? {
    guard !overflowed else { return nil }
    guard isNegative else { return Int64(exactly: magnitude) }
    if magnitude == Int64.min.magnitude { return .min }
    return Int64(exactly: magnitude).map { -$0 }
  }

  /// The nearest double where one operation on two exact doubles gives it (Clinger's fast path).
  var exactDouble: Double? {
    guard !overflowed, magnitude < 1 << 53, exponent.magnitude <= 22 else { return nil }
    let power = Self.powersOfTen[Int(exponent.magnitude)]
    let value = exponent < 0 ? Double(magnitude) / power : Double(magnitude) * power
    return isNegative ? -value : value
  }

  /// The powers of ten that are exact as doubles.
  private static let powersOfTen: [Double] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
  ]
}

// MARK: Strings

extension JSONParser {
  /// Parses a string: one copy where nothing in it is escaped.
  mutating func string(_ bytes: Span<UInt8>) throws(JSONError) -> String {
    guard position < bytes.count else { throw JSONError(.truncated, offset: position) }
    guard bytes[position] == UInt8(ascii: "\"") else {
      throw JSONError(.unexpectedByte(bytes[position]), offset: position)
    }
    position += 1
    var text = ""
    while true {
      let start = position
      let end = try plainRun(bytes)
      if end > start { text += try utf8(bytes, start..<end) }
      position = end + 1
      if bytes[end] == UInt8(ascii: "\"") { return text }
      text.unicodeScalars.append(try escape(bytes))
    }
  }

  /// The end of the run of bytes that stand for themselves: a quotation mark or a backslash.
  private func plainRun(_ bytes: Span<UInt8>) throws(JSONError) -> Int {
    var index = position
    while index < bytes.count {
      let byte = bytes[index]
      if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { return index }
      guard byte >= 0x20 else { throw JSONError(.unexpectedByte(byte), offset: index) }
      index += 1
    }
    throw JSONError(.truncated, offset: index)
  }

  private func utf8(_ bytes: Span<UInt8>, _ range: Range<Int>) throws(JSONError) -> String {
    do {
      return String(copying: try UTF8Span(validating: bytes.extracting(range)))
    } catch {
      throw JSONError(.invalidUTF8, offset: range.lowerBound)
    }
  }

  /// Parses what follows a backslash.
  private mutating func escape(_ bytes: Span<UInt8>) throws(JSONError) -> Unicode.Scalar {
    guard position < bytes.count else { throw JSONError(.truncated, offset: position) }
    let byte = bytes[position]
    position += 1
    switch byte {
    case UInt8(ascii: "\""): return "\""
    case UInt8(ascii: "\\"): return "\\"
    case UInt8(ascii: "/"): return "/"
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{C}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"): return try unicodeEscape(bytes)
    default: throw JSONError(.invalidEscape, offset: position - 2)
    }
  }

  /// Parses the digits of `\uXXXX`, and the second half where the first is a high surrogate.
  private mutating func unicodeEscape(
    _ bytes: Span<UInt8>
  ) throws(JSONError) -> Unicode.Scalar {
    let start = position - 2
    let first = try hexUnit(bytes)
    if let scalar = Unicode.Scalar(first) { return scalar }
    guard first < 0xDC00, position + 1 < bytes.count, bytes[position] == UInt8(ascii: "\\"),
      bytes[position + 1] == UInt8(ascii: "u")
    else { throw JSONError(.invalidEscape, offset: start) }
    position += 2
    let second = try hexUnit(bytes)
    guard (0xDC00...0xDFFF).contains(second),
      let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
    else { throw JSONError(.invalidEscape, offset: start) }
    return scalar
  }

  private mutating func hexUnit(_ bytes: Span<UInt8>) throws(JSONError) -> UInt32 {
    var unit: UInt32 = 0
    for _ in 0..<4 {
      guard position < bytes.count else { throw JSONError(.truncated, offset: position) }
      guard let digit = Character(Unicode.Scalar(bytes[position])).hexDigitValue,
        bytes[position] < 0x80
      else { throw JSONError(.invalidEscape, offset: position) }
      unit = unit << 4 | UInt32(digit)
      position += 1
    }
    return unit
  }
}
