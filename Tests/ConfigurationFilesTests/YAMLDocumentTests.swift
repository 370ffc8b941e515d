import ConfigurationFiles
import Testing
import TraceModel

@Suite("YAML")
struct YAMLDocumentTests {
  private func parse(_ text: String) throws(ConfigurationError) -> JSONValue {
    try YAMLDocument.parse(bytes: Array(text.utf8), path: "f.yaml")
  }

  private func message(_ text: String, sourceLocation: SourceLocation = #_sourceLocation) -> String
  {
    configurationMessage(
      { () throws(ConfigurationError) in try parse(text) }, sourceLocation: sourceLocation)
  }

  @Test("has the scalar types of version 1.2's core schema")
  func scalars() throws {
    let table: [(String, JSONValue)] = [
      ("", .null), ("~", .null), ("null", .null), ("Null", .null), ("nULL", .string("nULL")),
      ("true", .bool(true)), ("FALSE", .bool(false)), ("tRUE", .string("tRUE")),
      ("yes", .string("yes")), ("on", .string("on")), ("'true'", .string("true")),
      ("\"12\"", .string("12")), ("12", .integer(12)), ("-0", .integer(0)), ("+7", .integer(7)),
      ("0777", .integer(777)), ("0o17", .integer(15)), ("0x1F", .integer(31)),
      ("-0x1F", .string("-0x1F")), ("0x", .string("0x")), ("0o8", .string("0o8")),
      ("1_000", .string("1_000")), ("1:30", .string("1:30")), ("1.5", .number(1.5)),
      ("1.", .number(1)), (".5", .number(0.5)), ("-.5e-1", .number(-0.05)), (".", .string(".")),
      ("1e3", .number(1000)), ("1e", .string("1e")), ("e3", .string("e3")),
      ("+", .string("+")), ("0.24.0", .string("0.24.0")), ("1.5x", .string("1.5x")),
      ("9223372036854775807", .integer(.max)),
      ("9223372036854775808", .number(9_223_372_036_854_775_808)),
      ("2026-11-21", .string("2026-11-21")), ("é", .string("é")),
    ]
    for (text, value) in table { #expect(try parse(text) == value, "\(text)") }
  }

  @Test("keeps the order of members and nests blocks and flows")
  func structures() throws {
    let value = try parse("b: [1, {c: x}]\na:\n  - ~\n  - |\n    two\n    lines\n# end\n")
    #expect(value.text() == #"{"b":[1,{"c":"x"}],"a":[null,"two\nlines\n"]}"#)
    #expect(try parse("--- 5\n...\n") == .integer(5))
    #expect(try parse("# only a comment\n") == .null)
  }

  @Test("refuses what could mislead or explode, with its place")
  func refusals() {
    #expect(message("a: &x 1") == "f.yaml:1:4: an anchor (&name) is not supported")
    #expect(message("a: *x") == "f.yaml:1:4: an alias (*name) is not supported")
    #expect(message("a: !!str 1") == "f.yaml:1:4: a tag (!name) is not supported")
    #expect(message("a: 1\n&x b: 1") == "f.yaml:2:1: an anchor (&name) is not supported")
    #expect(message("a: 1\nb: 2\na: 3") == "f.yaml:3:1: key 'a' twice in one mapping")
    #expect(message("[1, 2]: 3") == "f.yaml:1:1: a key that is no text is not supported")
    #expect(message("1\n---\n2") == "f.yaml:2:1: a second document in one file is not supported")
    #expect(
      message("a: .inf")
        == "f.yaml:1:4: the number .inf, which is not finite, is not supported")
    #expect(
      message("- 1e999") == "f.yaml:1:3: the number 1e999, which is not finite, is not supported")
    let deep = String(repeating: "[", count: 100_000)
    #expect(message(deep) == "f.yaml:1:33: nesting deeper than 32 levels is not supported")
  }

  @Test("names the place of what is not YAML")
  func syntax() {
    #expect(message("a: [1, 2").hasPrefix("f.yaml:2:1: not YAML: "))
    #expect(message("a: b: c").hasPrefix("f.yaml:1:5: not YAML: "))
    #expect(message("\tx: 1").hasPrefix("f.yaml:1:1: not YAML: "))
    #expect(message("a: \"x").hasPrefix("f.yaml:1:6: not YAML: "))
    let notUTF8 = configurationMessage { () throws(ConfigurationError) in
      try YAMLDocument.parse(bytes: [0x61, 0x3A, 0x20, 0xFF], path: "f.yaml")
    }
    #expect(notUTF8 == "f.yaml: not YAML: invalid leading UTF-8 octet at byte 3")
    #expect(message("a: \u{1}").hasPrefix("f.yaml: not YAML: control characters are not allowed"))
  }

  @Test("reads no more than a configuration has")
  func sizes() {
    let large = [UInt8](
      repeating: UInt8(ascii: " "), count: ConfigurationLimits.documentBytesMax + 1)
    #expect(
      configurationMessage { () throws(ConfigurationError) in
        try YAMLDocument.parse(bytes: large, path: "f.yaml")
      } == "f.yaml: larger than 1048576 bytes, which no configuration is")
    #expect(
      configurationMessage { () throws(ConfigurationError) in
        try YAMLDocument.parse(path: "/dev/zero")
      } == "/dev/zero: larger than 1048576 bytes, which no configuration is")
    #expect(
      configurationMessage { () throws(ConfigurationError) in
        try YAMLDocument.parse(path: "/nonexistent.yaml")
      } == "/nonexistent.yaml: cannot be read: no such file or directory")
    #expect(
      configurationMessage { () throws(ConfigurationError) in try YAMLDocument.parse(path: "/") }
        == "/: cannot be read: is a directory")
  }

  @Test("ends in a value or an error, never a crash, for every cut and many flips of a file")
  func corruption() {
    let text =
      "name: a\nrules:\n  - when: {rows: {at_most: 16}, any_prefill: false}\n"
      + "    use: \"triton-3d-16\"\ndefault: >-\n  triton-2d\n"
    let bytes = Array(text.utf8)
    var values = 0
    var errors = 0
    func count(_ bytes: [UInt8]) {
      do throws(ConfigurationError) {
        _ = try RuleFile.parse(bytes: bytes, path: "f.yaml")
        values += 1
      } catch {
        #expect(!error.message.contains("\n"))
        errors += 1
      }
    }
    for length in bytes.indices { count(Array(bytes[..<length])) }
    for index in bytes.indices {
      for bit in 0..<8 {
        var flipped = bytes
        flipped[index] ^= 1 << UInt8(bit)
        count(flipped)
      }
    }
    #expect(values + errors == bytes.count * 9)
    #expect(values > 0 && errors > bytes.count)
  }
}
