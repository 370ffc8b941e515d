import Testing
import TraceModel

struct JSONWritingTests {
  /// The right column is what Python 3 prints: `json.dumps(x)`.
  @Test(
    "Doubles are written as Python writes them",
    arguments: [
      (0.0, "0.0"), (-0.0, "-0.0"), (1.0, "1.0"), (0.1, "0.1"), (0.1 + 0.2, "0.30000000000000004"),
      (1e-4, "0.0001"), (1e-5, "1e-05"), (1.5e-7, "1.5e-07"), (1e15, "1000000000000000.0"),
      (9999999999999998.0, "9999999999999998.0"), (-9007199254740994.0, "-9007199254740994.0"),
      (0x1p53, "9007199254740992.0"), (1e16, "1e+16"),
      (12345678901234568.0, "1.2345678901234568e+16"),
      (-10000000000000002.0, "-1.0000000000000002e+16"),
      (0x1p54, "1.8014398509481984e+16"), (18014398509481988.0, "1.8014398509481988e+16"),
      (1e22, "1e+22"), (1.7976931348623157e308, "1.7976931348623157e+308"),
      (Double.leastNonzeroMagnitude, "5e-324"),
      (180.159932, "180.159932"), (807.449, "807.449"), (123456.0, "123456.0"),
    ])
  func doubles(value: Double, expected: String) {
    #expect(JSONValue.number(value).text() == expected)
  }

  @Test("The compact form has no white space and only the escapes that JSON demands")
  func compact() {
    let value = JSONValue.object([
      .init("a\"b", .array([.integer(-1), .bool(true), .null, .array([]), .object([])])),
      .init("é", .string("\\ / \n\r\t\u{8}\u{C}\u{1}\u{1F}\u{7F}😀")),
    ])
    #expect(
      value.text()
        == #"{"a\"b":[-1,true,null,[],{}],"é":"\\ / \n\r\t\b\f\u0001\u001f"# + "\u{7F}😀\"}")
  }

  @Test("The pretty form indents by two spaces and keeps empty lists closed")
  func pretty() {
    let value = JSONValue.object([
      .init("a", .array([.integer(1), .object([])])), .init("b", .object([.init("c", .null)])),
      .init("d", .array([])),
    ])
    #expect(
      value.text(pretty: true) == """
        {
          "a": [
            1,
            {}
          ],
          "b": {
            "c": null
          },
          "d": []
        }
        """)
  }

  @Test("Numbers that JSON lacks become null")
  func notFinite() {
    #expect(JSONValue.array([.number(.infinity), .number(.nan)]).text() == "[null,null]")
  }

  @Test("Random doubles survive being written and parsed")
  func roundTrip() throws {
    let seed: UInt64 = 20_261_121
    var state = seed
    for _ in 0..<5000 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      let value = Double(bitPattern: state)
      guard value.isFinite else { continue }
      let text = JSONValue.number(value).text()
      #expect(try JSONValue(parsing: text) == .number(value), "seed \(seed): \(text)")
    }
  }
}
