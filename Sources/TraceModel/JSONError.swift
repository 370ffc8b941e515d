/// Why a text is not the JSON that this project takes, and where.
public struct JSONError: Error, Hashable, Sendable {
  /// What is wrong.
  public enum Kind: Hashable, Sendable {
    /// The text ends inside a value.
    case truncated
    /// A byte that cannot stand at its place.
    case unexpectedByte(UInt8)
    /// Something other than white space after the value.
    case trailingText
    /// Arrays and objects nested deeper than `JSONLimits.depthMax`.
    case tooDeep
    /// A document longer than `JSONLimits.documentBytesMax`, or a number longer than its own bound.
    case tooLong
    /// A number that is infinite as a double, such as `1e999`.
    case numberOutOfRange
    /// An escape that JSON does not have, or half of a surrogate pair.
    case invalidEscape
    /// A string that is not UTF-8.
    case invalidUTF8
    /// The same key twice in one object: readers would disagree about which counts.
    case duplicateKey(String)
  }

  /// What is wrong.
  public var kind: Kind
  /// Where: bytes from the start of the document.
  public var offset: Int

  /// An error at a byte of a document.
  public init(_ kind: Kind, offset: Int) {
    self.kind = kind
    self.offset = offset
  }

  /// What is wrong and where, for one line of print.
  public var message: String { "\(summary) at byte \(offset)" }

  /// What is wrong without the place, for callers that have a better one (a line of a file).
  public var summary: String {
    switch kind {
    case .truncated: "JSON ends inside a value"
    case .unexpectedByte(let byte): "unexpected \(Self.name(byte)) in JSON"
    case .trailingText: "text after the end of the JSON value"
    case .tooDeep: "JSON nested deeper than \(JSONLimits.depthMax) levels"
    case .tooLong: "JSON document or number is too long"
    case .numberOutOfRange: "number too large for a double in JSON"
    case .invalidEscape: "invalid escape in a JSON string"
    case .invalidUTF8: "JSON string is not UTF-8"
    case .duplicateKey(let key): "key \(JSONValue.string(key).text()) twice in a JSON object"
    }
  }

  private static func name(_ byte: UInt8) -> String {
    guard byte > 0x20, byte < 0x7F else { return "byte 0x" + String(byte, radix: 16) }
    return "'\(Unicode.Scalar(byte))'"
  }
}
