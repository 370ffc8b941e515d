import TraceModel

/// Reads a mapping's values by key and type; whatever is not as expected is an error with its line.
struct MappingReader {
  let path: String?
  /// Where the mapping starts: the place of what is missing in it.
  let line: Int
  let column: Int
  private let members: [YAMLNode.Member]

  /// Opens a node that must be a mapping with keys among `allowed`.
  ///
  /// - `name`: of the node in messages
  init(
    _ node: YAMLNode, name: String, allowed: [String], path: String?
  ) throws(ConfigurationError) {
    self.path = path
    line = node.line
    column = node.column
    guard case .mapping(let members) = node.content else {
      throw ConfigurationError(
        .wrongType(
          key: name, expected: "a mapping with keys such as '\(allowed[0])'", found: node.typeName),
        path: path, line: node.line, column: node.column)
    }
    for member in members where !allowed.contains(member.key) {
      throw ConfigurationError(
        .unknownKey(member.key, allowed: allowed), path: path, line: member.line,
        column: member.column)
    }
    self.members = members
  }

  /// Keys that are there, in order.
  var keys: [String] { members.map(\.key) }

  /// The value under a key, if it is there.
  subscript(key: String) -> YAMLNode? { members.first { $0.key == key }?.value }

  /// The value under a key that must be there; `hint` says what to write.
  func required(_ key: String, hint: String = "") throws(ConfigurationError) -> YAMLNode {
    guard let node = self[key] else {
      throw ConfigurationError(
        .missingKey(key, hint: hint), path: path, line: line, column: column)
    }
    return node
  }

  /// A text under a key, if it is there.
  func string(_ key: String) throws(ConfigurationError) -> String? {
    guard let node = self[key] else { return nil }
    guard case .scalar(.string(let text), _) = node.content else {
      throw wrongType(key, "text (in quotes where it looks like a number)", node)
    }
    return text
  }

  /// `true` or `false` under a key, if it is there.
  func bool(_ key: String) throws(ConfigurationError) -> Bool? {
    guard let node = self[key] else { return nil }
    guard case .scalar(.bool(let value), _) = node.content else {
      throw wrongType(key, "true or false", node)
    }
    return value
  }

  /// A whole number within bounds under a key, if it is there.
  func integer(_ key: String, in range: ClosedRange<Int>) throws(ConfigurationError) -> Int? {
    guard let node = self[key] else { return nil }
    return try integer(node, key: key, in: range)
  }

  /// A whole number within bounds.
  func integer(
    _ node: YAMLNode, key: String, in range: ClosedRange<Int>
  ) throws(ConfigurationError) -> Int {
    guard let value = node.json.int, range.contains(value) else {
      throw wrongType(
        key, "a whole number from \(range.lowerBound) to \(range.upperBound)", node)
    }
    return value
  }

  /// The elements of a list under a key, if it is there.
  func list(_ key: String) throws(ConfigurationError) -> [YAMLNode]? {
    guard let node = self[key] else { return nil }
    guard case .sequence(let nodes) = node.content else { throw wrongType(key, "a list", node) }
    return nodes
  }

  /// A name for reports under a key, if it is there: letters, digits and `. _ - @` alone.
  func name(_ key: String) throws(ConfigurationError) -> String? {
    guard let node = self[key], let name = try string(key) else { return nil }
    guard Self.isName(name) else {
      let length = ConfigurationLimits.nameCharactersMax
      throw invalid(key, "takes 1 to \(length) of a–z, A–Z, 0–9 and . _ - @", node)
    }
    return name
  }

  /// Whether results can use a text as a name and in file names.
  static func isName(_ text: String) -> Bool {
    (1...ConfigurationLimits.nameCharactersMax).contains(text.count)
      && text.allSatisfy {
        $0.isASCII
          && ($0.isLetter || $0.isNumber || $0 == "." || $0 == "_" || $0 == "-" || $0 == "@")
      }
  }

  /// An error about a value's type.
  func wrongType(_ key: String, _ expected: String, _ node: YAMLNode) -> ConfigurationError {
    ConfigurationError(
      .wrongType(key: key, expected: expected, found: node.typeName), path: path, line: node.line,
      column: node.column)
  }

  /// An error about a value.
  func invalid(_ key: String, _ reason: String, _ node: YAMLNode) -> ConfigurationError {
    ConfigurationError(
      .invalidValue(key: key, reason: reason), path: path, line: node.line, column: node.column)
  }

  /// An error about a name that stands for nothing.
  func unknown(
    _ what: String, _ name: String, known: [String], _ node: YAMLNode
  ) -> ConfigurationError {
    ConfigurationError(
      .unknownName(what: what, name: name, known: known), path: path, line: node.line,
      column: node.column)
  }
}
