import KernelSelection

/// Why a configuration file or name cannot be used, and where.
public struct ConfigurationError: Error, Hashable, Sendable {
  /// What is wrong.
  public enum Kind: Hashable, Sendable {
    /// The file cannot be opened or read.
    case unreadable(reason: String)
    /// The file is larger than any configuration.
    case tooLarge(bytesMax: Int)
    /// The text is not YAML.
    case syntax(String)
    /// YAML that this program does not take, such as an alias.
    case unsupported(String)
    /// The same key twice in one mapping.
    case duplicateKey(String)
    /// A key that means nothing at its place.
    case unknownKey(String, allowed: [String])
    /// A key that is needed and not there.
    case missingKey(String, hint: String)
    /// A value of another type.
    case wrongType(key: String, expected: String, found: String)
    /// A value of the right type that cannot be.
    case invalidValue(key: String, reason: String)
    /// A name that stands for nothing.
    case unknownName(what: String, name: String, known: [String])
  }

  /// What is wrong.
  public var kind: Kind
  /// The file; `nil` for a name that was given directly.
  public var path: String?
  /// The line, counted from 1.
  public var line: Int?
  /// The column in characters, counted from 1.
  public var column: Int?

  /// An error at a place.
  public init(_ kind: Kind, path: String?, line: Int? = nil, column: Int? = nil) {
    self.kind = kind
    self.path = path
    self.line = line
    self.column = column
  }

  /// One line: `file:line:column: what is wrong and what to write instead`.
  public var message: String {
    let parts = [path, line.map(String.init), column.map(String.init)].compactMap(\.self)
    let place = parts.isEmpty ? "" : "\(parts.joined(separator: ":")): "
    return MessageText.oneLine(place + summary)
  }

  /// What is wrong without the place.
  public var summary: String {
    switch kind {
    case .unreadable(let reason): return "cannot be read: \(reason)"
    case .tooLarge(let bytesMax): return "larger than \(bytesMax) bytes, which no configuration is"
    case .syntax(let problem): return "not YAML: \(problem)"
    case .unsupported(let what): return "\(what) not supported"
    case .duplicateKey(let key): return "key '\(key)' twice in one mapping"
    case .unknownKey(let key, let allowed):
      return "unknown key '\(key)'\(Self.hint(key, allowed)); allowed are "
        + allowed.joined(separator: ", ")
    case .missingKey(let key, let hint):
      return "key '\(key)' is missing\(hint.isEmpty ? "" : ": \(hint)")"
    case .wrongType(let key, let expected, let found):
      return "'\(key)' needs \(expected), not \(found)"
    case .invalidValue(let key, let reason): return "'\(key)' \(reason)"
    case .unknownName(let what, let name, let known):
      return "unknown \(what) '\(name)'\(Self.hint(name, known)); known are "
        + known.joined(separator: ", ")
    }
  }

  private static func hint(_ name: String, _ known: [String]) -> String {
    NearestName.of(name, among: known).map { " (did you mean '\($0)'?)" } ?? ""
  }
}
