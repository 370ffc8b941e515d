import TraceModel

/// Pulls members and numbers out of one JSON line without building values.
///
/// Numbers become integers and fixed-point nanoseconds digit by digit; a `Double` in between would
/// lose exactness and half the speed. What a reader does not know it skips through `JSONParser`.
struct FieldScanner {
  /// The next byte to read.
  var position: Int
  let end: Int

  /// A scanner over a range of the bytes that every method is given.
  init(_ range: Range<Int>) {
    position = range.lowerBound
    end = range.upperBound
  }

  // MARK: Structure

  @inline(__always)
  mutating func skipWhitespace(_ bytes: Span<UInt8>) {
    while position < end, bytes[position] <= 0x20, Self.isWhitespace(bytes[position]) {
      position += 1
    }
  }

  private static func isWhitespace(_ byte: UInt8) -> Bool {
    byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D
  }

  @inline(__always)
  func peek(_ bytes: Span<UInt8>) throws(LineFault) -> UInt8 {
    guard position < end else { throw truncation }
    return bytes[position]
  }

  /// Takes a given byte, after any white space.
  @inline(__always)
  mutating func expect(_ byte: UInt8, _ bytes: Span<UInt8>) throws(LineFault) {
    skipWhitespace(bytes)
    guard try peek(bytes) == byte else { throw unexpected(bytes) }
    position += 1
  }

  /// After an element: takes a comma and answers `true`, or takes the closing bracket.
  @inline(__always)
  mutating func hasNext(before close: UInt8, _ bytes: Span<UInt8>) throws(LineFault) -> Bool {
    skipWhitespace(bytes)
    let byte = try peek(bytes)
    guard byte == close || byte == UInt8(ascii: ",") else { throw unexpected(bytes) }
    position += 1
    return byte != close
  }

  /// After an opening bracket: takes the closing one where the list is empty.
  @inline(__always)
  mutating func isEmptyList(_ close: UInt8, _ bytes: Span<UInt8>) throws(LineFault) -> Bool {
    skipWhitespace(bytes)
    guard try peek(bytes) == close else { return false }
    position += 1
    return true
  }

  /// Takes the end of the line: nothing but white space.
  mutating func expectEnd(_ bytes: Span<UInt8>) throws(LineFault) {
    skipWhitespace(bytes)
    guard position == end else { throw LineFault("text after the end of the JSON object") }
  }

  // MARK: Keys and unknown values

  /// Takes a key and its colon; `nil` for one that is longer than any known or has escapes.
  mutating func key(_ bytes: Span<UInt8>) throws(LineFault) -> PackedKey? {
    try expect(UInt8(ascii: "\""), bytes)
    let start = position
    var packed = PackedKey()
    while position < end {
      let byte = bytes[position]
      if byte == UInt8(ascii: "\"") {
        position += 1
        try expect(UInt8(ascii: ":"), bytes)
        skipWhitespace(bytes)
        return packed
      }
      guard byte > 0x20, byte < 0x7F, byte != UInt8(ascii: "\\"), packed.append(byte) else { break }
      position += 1
    }
    position = start - 1
    _ = try skipValue(bytes)
    try expect(UInt8(ascii: ":"), bytes)
    skipWhitespace(bytes)
    return nil
  }

  /// Takes a value of any kind, checking that it is JSON.
  mutating func skipValue(_ bytes: Span<UInt8>) throws(LineFault) -> JSONValue {
    var parser = JSONParser(position: position)
    do {
      // The span ends with the line, so that a value cannot run on into the next one.
      let value = try parser.value(bytes.extracting(..<end))
      position = parser.position
      return value
    } catch {
      throw LineFault(error)
    }
  }

  /// Takes `null` where it stands; an optional member may be written so.
  @inline(__always)
  mutating func isNull(_ bytes: Span<UInt8>) throws(LineFault) -> Bool {
    guard try peek(bytes) == UInt8(ascii: "n") else { return false }
    _ = try skipValue(bytes)
    return true
  }

  // MARK: Faults

  var truncation: LineFault { LineFault("JSON ends inside a value", kind: .truncated) }

  func unexpected(_ bytes: Span<UInt8>) -> LineFault {
    guard position < end else { return truncation }
    let byte = bytes[position]
    let name =
      byte > 0x20 && byte < 0x7F
      ? "'\(Unicode.Scalar(byte))'" : "byte 0x" + String(byte, radix: 16)
    return LineFault("unexpected \(name)")
  }

  /// The byte at the position, or 0 behind the end, which no number contains.
  @inline(__always)
  func byteOrZero(_ bytes: Span<UInt8>) -> UInt8 { position < end ? bytes[position] : 0 }
}

/// A member's name of up to sixteen ASCII bytes in one comparable number.
struct PackedKey: Hashable {
  private var packed: UInt128 = 0

  init() {}

  /// The key of a literal; longer ones are a bug.
  init(_ name: String) {
    for byte in name.utf8 { precondition(append(byte), "key longer than sixteen bytes: \(name)") }
  }

  /// The start of any text, for names that are only printed or compared with known ones.
  init(prefixOf name: String) {
    // A leading NUL would vanish in the number, so that a foreign name looked like a known one.
    for byte in name.utf8.prefix(16) { _ = append(max(byte, 1)) }
  }

  /// Adds a byte, or answers `false` where there is no room.
  @inline(__always)
  mutating func append(_ byte: UInt8) -> Bool {
    guard packed >> 120 == 0 else { return false }
    packed = packed << 8 | UInt128(byte)
    return true
  }

  /// The name as text, for messages.
  var name: String {
    var bytes: [UInt8] = []
    var rest = packed
    while rest > 0 {
      bytes.append(UInt8(truncatingIfNeeded: rest))
      rest >>= 8
    }
    return String(decoding: bytes.reversed(), as: UTF8.self)
  }
}
