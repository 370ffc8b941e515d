import TraceModel

/// Why a step log or a workload could not be read, and on which line of what.
public struct TraceImportError: Error, Hashable, Sendable {
  /// What went wrong, for callers that act on it.
  public enum Kind: Hashable, Sendable {
    /// The source itself failed: a file, a pipe or a socket.
    case unreadable
    /// The text is not of the format at all: another format, no header, no rows.
    case foreignFormat
    /// The source ends within its last line, as after a writer was killed.
    case truncated
    /// A line that breaks the format's grammar or a value outside its bounds.
    case malformed
    /// A line that contradicts the lines before it: order, unknown or repeated ids.
    case inconsistent
    /// A generator asked for something that cannot be drawn; `source` names the parameter.
    case invalidParameter
  }

  /// What went wrong.
  public var kind: Kind
  /// The file's name, or what else the bytes came from.
  public var source: String
  /// The line, counted from 1; `nil` where no line is at fault.
  public var line: Int?
  /// What is wrong and what to do about it, in a few words.
  public var reason: String

  /// An error at a line of a source.
  public init(_ kind: Kind, source: String, line: Int? = nil, reason: String) {
    self.kind = kind
    self.source = source
    self.line = line
    self.reason = reason
  }

  /// One line of print: where, what, and what to do.
  public var message: String {
    let place = line.map { "\(source):\($0)" } ?? source
    return "\(place): \(reason)".onOneLine
  }
}

extension String {
  /// The text with control characters, which names in a foreign file may hold, as question marks.
  var onOneLine: String {
    var line = ""
    for scalar in unicodeScalars {
      line.unicodeScalars.append(scalar.properties.generalCategory == .control ? "?" : scalar)
    }
    return line
  }
}

/// What is wrong with a line, before it is known which line of which source it is.
struct LineFault: Error {
  var kind: TraceImportError.Kind = .malformed
  var reason: String

  init(_ reason: String, kind: TraceImportError.Kind = .malformed) {
    self.reason = reason
    self.kind = kind
  }

  init(_ error: JSONError) {
    self.init("\(error.summary) (column \(error.offset + 1))")
    if error.kind == .truncated { kind = .truncated }
  }
}
