/// Why a client log could not be read or does not belong to a trace, and where in it.
public struct ClientLogError: Error, Hashable, Sendable {
  /// What went wrong, for callers that act on it.
  public enum Kind: Hashable, Sendable {
    /// Nothing in it, or nothing that reached its end.
    case empty
    /// None of the formats that are read.
    case foreignFormat
    /// It ends within its last line or its compressed frame.
    case truncated
    /// A line or a value that breaks its format.
    case malformed
    /// A field without which nothing can be compared.
    case missingField
    /// Another run than the trace's: counts, prompts or arrivals differ.
    case otherRun
  }

  /// What went wrong.
  public var kind: Kind
  /// The file's name.
  public var source: String
  /// Where in it, such as `line 7`; empty where no place is at fault.
  public var place: String
  /// What is wrong and what to do about it.
  public var reason: String

  /// An error at a place of a file.
  public init(_ kind: Kind, source: String, place: String = "", reason: String) {
    self.kind = kind
    self.source = source
    self.place = place
    self.reason = reason
  }

  /// One line of print.
  public var message: String {
    let text = "'\(source)'\(place.isEmpty ? "" : ", \(place)"): \(reason)"
    return String(text.map { $0.isNewline || $0 == "\u{1B}" ? "?" : $0 })
  }
}
