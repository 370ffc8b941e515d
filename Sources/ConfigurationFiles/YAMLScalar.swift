import TraceModel

/// The types of plain scalars by YAML 1.2's core schema (YAML 1.2.2, section 10.3.2).
///
/// `yes`, `on`, `0777` and `1:30` are text or decimal numbers here, unlike in YAML 1.1.
enum YAMLScalar {
  /// The value of an unquoted scalar; `nil` where it is a number that is not finite, which no setting
  /// takes.
  static func value(ofPlain text: String) -> JSONValue? {
    switch text {
    case "", "~", "null", "Null", "NULL": return .null
    case "true", "True", "TRUE": return .bool(true)
    case "false", "False", "FALSE": return .bool(false)
    default: break
    }
    let bytes = Array(text.utf8.prefix(ConfigurationLimits.numberCharactersMax + 1))
    guard bytes.count <= ConfigurationLimits.numberCharactersMax else { return .string(text) }
    if let integer = prefixedInteger(text) { return integer }
    switch form(bytes) {
    case .text: return .string(text)
    case .infinite: return nil
    case .integer:
      if let integer = Int64(text) { return .integer(integer) }
      fallthrough
    case .decimal:
      guard let number = Double(text), number.isFinite else { return nil }
      return .number(number)
    }
  }

  private enum Form {
    case integer
    case decimal
    case infinite
    case text
  }

  /// `0x` and `0o` numbers, which have no sign.
  private static func prefixedInteger(_ text: String) -> JSONValue? {
    for (prefix, radix) in [("0x", 16), ("0o", 8)] where text.hasPrefix(prefix) {
      let digits = text.dropFirst(2)
      guard digits.utf8.allSatisfy({ isDigit($0, radix: radix) }) else { return nil }
      return Int64(digits, radix: radix).map { .integer($0) }
    }
    return nil
  }

  private static func isDigit(_ byte: UInt8, radix: Int) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "7"): true
    case UInt8(ascii: "8"), UInt8(ascii: "9"): radix > 8
    case UInt8(ascii: "a")...UInt8(ascii: "f"), UInt8(ascii: "A")...UInt8(ascii: "F"): radix > 10
    default: false
    }
  }

  /// `[-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?`, whole without dot and exponent.
  private static func form(_ bytes: [UInt8]) -> Form {
    var rest = bytes[...]
    func skipSign() {
      if let first = rest.first, first == UInt8(ascii: "-") || first == UInt8(ascii: "+") {
        rest.removeFirst()
      }
    }
    func skipDigits() -> Int {
      let digits = rest.prefix { isDigit($0, radix: 10) }.count
      rest.removeFirst(digits)
      return digits
    }
    skipSign()
    if isNotFinite(rest) { return .infinite }
    var digits = skipDigits()
    var isWhole = true
    if rest.first == UInt8(ascii: ".") {
      isWhole = false
      rest.removeFirst()
      digits += skipDigits()
    }
    guard digits > 0 else { return .text }
    if let letter = rest.first, letter | 0x20 == UInt8(ascii: "e") {
      isWhole = false
      rest.removeFirst()
      skipSign()
      guard skipDigits() > 0 else { return .text }
    }
    return rest.isEmpty ? (isWhole ? .integer : .decimal) : .text
  }

  private static func isNotFinite(_ rest: ArraySlice<UInt8>) -> Bool {
    let names = [".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN"]
    return names.contains { rest.elementsEqual($0.utf8) }
  }
}
