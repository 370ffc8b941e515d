extension JSONValue {
  /// Parses one whole document: RFC 8259 and nothing beside it.
  ///
  /// Numbers without fraction or exponent that fit become `integer`, all others the nearest double.
  /// Members keep their order; a key that comes twice is an error.
  public init(parsing bytes: [UInt8]) throws(JSONError) {
    try self.init(parsing: bytes.span)
  }

  /// Parses one whole document given as text.
  public init(parsing text: String) throws(JSONError) {
    try self.init(parsing: Array(text.utf8))
  }

  /// Parses one whole document that lies inside a larger buffer, such as a line of a log.
  ///
  /// Offsets in errors count from the start of the span.
  public init(parsing bytes: Span<UInt8>) throws(JSONError) {
    guard bytes.count <= JSONLimits.documentBytesMax else {
      throw JSONError(.tooLong, offset: JSONLimits.documentBytesMax)
    }
    var parser = JSONParser()
    self = try parser.value(bytes)
    parser.skipWhitespace(bytes)
    guard parser.position == bytes.count else {
      throw JSONError(.trailingText, offset: parser.position)
    }
  }
}

/// A recursive-descent parser at a place in a document.
///
/// The bytes are an argument of each method because a stored `Span` would make the type non-escapable.
/// Modules that pull values out of long lines by hand use it for the values that they do not know.
public struct JSONParser: Sendable {
  /// The next byte to read.
  public var position: Int
  private var depth = 0

  /// A parser that starts at a place in a document.
  public init(position: Int = 0) { self.position = position }

  /// Parses the value that starts here, after any white space, and stops right behind it.
  public mutating func value(_ bytes: Span<UInt8>) throws(JSONError) -> JSONValue {
    skipWhitespace(bytes)
    switch try peek(bytes) {
    case UInt8(ascii: "{"): return try object(bytes)
    case UInt8(ascii: "["): return try array(bytes)
    case UInt8(ascii: "\""): return .string(try string(bytes))
    case UInt8(ascii: "t"): return try literal("true", .bool(true), bytes)
    case UInt8(ascii: "f"): return try literal("false", .bool(false), bytes)
    case UInt8(ascii: "n"): return try literal("null", .null, bytes)
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number(bytes)
    case let byte: throw JSONError(.unexpectedByte(byte), offset: position)
    }
  }

  /// Moves over blanks, tabs and line ends.
  public mutating func skipWhitespace(_ bytes: Span<UInt8>) {
    while position < bytes.count {
      switch bytes[position] {
      case 0x20, 0x0A, 0x0D, 0x09: position += 1
      default: return
      }
    }
  }

  private func peek(_ bytes: Span<UInt8>) throws(JSONError) -> UInt8 {
    guard position < bytes.count else { throw JSONError(.truncated, offset: position) }
    return bytes[position]
  }

  private mutating func expect(_ byte: UInt8, _ bytes: Span<UInt8>) throws(JSONError) {
    let found = try peek(bytes)
    guard found == byte else { throw JSONError(.unexpectedByte(found), offset: position) }
    position += 1
  }

  private mutating func literal(
    _ word: StaticString, _ value: JSONValue, _ bytes: Span<UInt8>
  ) throws(JSONError) -> JSONValue {
    for byte in word.description.utf8 { try expect(byte, bytes) }
    return value
  }
}

// MARK: Arrays and objects

extension JSONParser {
  private mutating func array(_ bytes: Span<UInt8>) throws(JSONError) -> JSONValue {
    try enter()
    var values: [JSONValue] = []
    skipWhitespace(bytes)
    if try peek(bytes) == UInt8(ascii: "]") { return leave(.array(values)) }
    while true {
      values.append(try value(bytes))
      if try closes(UInt8(ascii: "]"), bytes) { return leave(.array(values)) }
    }
  }

  private mutating func object(_ bytes: Span<UInt8>) throws(JSONError) -> JSONValue {
    try enter()
    var members: [JSONValue.Member] = []
    var keys: Set<String> = []
    skipWhitespace(bytes)
    if try peek(bytes) == UInt8(ascii: "}") { return leave(.object(members)) }
    while true {
      skipWhitespace(bytes)
      let start = position
      let key = try string(bytes)
      try checkUnique(key, among: members, &keys, at: start)
      skipWhitespace(bytes)
      try expect(UInt8(ascii: ":"), bytes)
      members.append(.init(key, try value(bytes)))
      if try closes(UInt8(ascii: "}"), bytes) { return leave(.object(members)) }
    }
  }

  /// Comparing pairwise is faster for the few keys of a log line; a set keeps a long object linear.
  private func checkUnique(
    _ key: String, among members: [JSONValue.Member], _ keys: inout Set<String>, at offset: Int
  ) throws(JSONError) {
    let seen: Bool
    if members.count < JSONLimits.pairwiseMembersMax {
      seen = members.contains { $0.key == key }
    } else {
      if keys.isEmpty { keys = Set(members.map(\.key)) }
      seen = !keys.insert(key).inserted
    }
    if seen { throw JSONError(.duplicateKey(key), offset: offset) }
  }

  private mutating func enter() throws(JSONError) {
    guard depth < JSONLimits.depthMax else { throw JSONError(.tooDeep, offset: position) }
    depth += 1
    position += 1
  }

  private mutating func leave(_ value: JSONValue) -> JSONValue {
    depth -= 1
    position += 1
    return value
  }

  /// Moves over a comma and answers `false`, or stays on the closing bracket and answers `true`.
  private mutating func closes(
    _ bracket: UInt8, _ bytes: Span<UInt8>
  ) throws(JSONError) -> Bool {
    skipWhitespace(bytes)
    let byte = try peek(bytes)
    if byte == bracket { return true }
    try expect(UInt8(ascii: ","), bytes)
    return false
  }
}
