import Testing
import TraceModel

struct JSONParsingTests {
  @Test("Every kind of value is read, and members keep their order")
  func everyKind() throws {
    let value = try JSONValue(
      parsing: " {\"z\": [1, -2.5, 1e3, true, false, null], \"a\": {\"\": \"x\"}} \n")
    #expect(
      value
        == .object([
          .init(
            "z",
            .array([
              .integer(1), .number(-2.5), .number(1000), .bool(true), .bool(false), .null,
            ])),
          .init("a", .object([.init("", .string("x"))])),
        ]))
  }

  @Test(
    "Whole numbers that fit are integers, all others the nearest double",
    arguments: [
      ("9223372036854775807", JSONValue.integer(.max)),
      ("-9223372036854775808", .integer(.min)), ("-0", .integer(0)),
      ("9223372036854775808", .number(9_223_372_036_854_775_808)), ("0.1", .number(0.1)),
      ("123456789012345678901234567890", .number(123456789012345677877719597056)),
      ("1.7976931348623157e308", .number(.greatestFiniteMagnitude)),
      ("5e-324", .number(.leastNonzeroMagnitude)),
      ("2.2250738585072011e-308", .number(Double(bitPattern: 0xF_FFFF_FFFF_FFFF))),
      ("1e-999", .number(0)),
      ("9007199254740993.0", .number(9_007_199_254_740_992)), ("1E+2", .number(100)),
      ("0.000000000000000000000000000000000001e36", .number(1)),
    ])
  func numbers(text: String, expected: JSONValue) throws {
    #expect(try JSONValue(parsing: text) == expected)
  }

  @Test("Escapes, surrogate pairs and raw UTF-8 give the same strings as written out")
  func escapes() throws {
    let text = #""\"\\\/\b\f\n\r\t\u0041\u00e9\ud83d\uDE00 é😀\u0000""#
    #expect(try JSONValue(parsing: text) == .string("\"\\/\u{8}\u{C}\n\r\tAé😀 é😀\0"))
  }

  @Test(
    "Hostile and broken text ends in an error that names the byte",
    arguments: [
      ("", JSONError.Kind.truncated, 0), ("  ", .truncated, 2), ("[1,", .truncated, 3),
      ("[1 2]", .unexpectedByte(0x32), 3), ("[1,]", .unexpectedByte(0x5D), 3),
      ("{\"a\" 1}", .unexpectedByte(0x31), 5), ("{a:1}", .unexpectedByte(0x61), 1),
      ("{\"a\":1,}", .unexpectedByte(0x7D), 7), ("1 x", .trailingText, 2),
      ("01", .unexpectedByte(0x31), 1), ("-01", .unexpectedByte(0x31), 2), ("-", .truncated, 1),
      ("1.", .truncated, 2), (".5", .unexpectedByte(0x2E), 0), ("1e", .truncated, 2),
      ("+1", .unexpectedByte(0x2B), 0), ("NaN", .unexpectedByte(0x4E), 0),
      ("tru", .truncated, 3), ("trux", .unexpectedByte(0x78), 3), ("\"abc", .truncated, 4),
      ("1e999", .numberOutOfRange, 0), ("-1e999", .numberOutOfRange, 0),
      ("1e99999999999999999999999", .numberOutOfRange, 0), ("\"\\x\"", .invalidEscape, 1),
      ("\"\\ud800\"", .invalidEscape, 1), ("\"\\udc00\"", .invalidEscape, 1),
      ("\"\\ud800\\u0041\"", .invalidEscape, 1), ("\"\\u00g0\"", .invalidEscape, 5),
      ("\"\\u00", .truncated, 5), ("\"a\nb\"", .unexpectedByte(0x0A), 2),
      ("{\"a\":1,\"a\":2}", .duplicateKey("a"), 7), ("\u{FEFF}1", .unexpectedByte(0xEF), 0),
    ])
  func broken(text: String, kind: JSONError.Kind, offset: Int) {
    #expect(throws: JSONError(kind, offset: offset)) { try JSONValue(parsing: text) }
  }

  @Test("Bytes that are not UTF-8 are refused at the run they stand in")
  func invalidUTF8() {
    let quote = UInt8(ascii: "\"")
    for bytes: [UInt8] in [[0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xE2, 0x82], [0x80]] {
      #expect(throws: JSONError(.invalidUTF8, offset: 1)) {
        try JSONValue(parsing: [quote] + bytes + [quote])
      }
    }
  }

  @Test("Nesting is allowed up to the limit and refused beyond, whatever the length")
  func depth() throws {
    let allowed = JSONLimits.depthMax
    let deepest = String(repeating: "[", count: allowed) + String(repeating: "]", count: allowed)
    #expect(try JSONValue(parsing: deepest).text() == deepest)
    for bracket in ["[", "{\"a\":"] {
      let text = String(repeating: bracket, count: 100_000)
      let error = #expect(throws: JSONError.self) { try JSONValue(parsing: text) }
      #expect(error?.kind == .tooDeep)
    }
  }

  @Test("A number longer than any measurement is refused")
  func longNumber() {
    let digits = String(repeating: "1", count: JSONLimits.numberBytesMax + 1)
    #expect(throws: JSONError(.tooLong, offset: 0)) { try JSONValue(parsing: digits) }
  }

  @Test("A key repeated far behind in a long object is still found")
  func duplicateInLongObject() {
    let members = (0..<1000).map { "\"k\($0)\":\($0)" }.joined(separator: ",")
    #expect(throws: Never.self) { try JSONValue(parsing: "{\(members)}") }
    let error = #expect(throws: JSONError.self) { try JSONValue(parsing: "{\(members),\"k5\":1}") }
    #expect(error?.kind == .duplicateKey("k5"))
  }

  @Test("Every prefix of a document is an error and never a trap")
  func everyPrefix() throws {
    let bytes = Array(#"{"a":[1.5e3,"\u00e9\ud83d\ude00é",{"b":null}],"c":true}"#.utf8)
    for length in 0..<bytes.count {
      #expect(throws: JSONError.self) { try JSONValue(parsing: Array(bytes[..<length])) }
    }
    _ = try JSONValue(parsing: bytes)
  }
}
