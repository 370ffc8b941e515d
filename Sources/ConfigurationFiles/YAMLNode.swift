import TraceModel

/// A value of a YAML document with its place, for messages about what it means.
struct YAMLNode {
  /// A member of a mapping; the place is the key's.
  struct Member {
    var key: String
    var line: Int
    var column: Int
    var value: YAMLNode
  }

  enum Content {
    /// A scalar by its type, and as it was written.
    case scalar(JSONValue, text: String)
    case sequence([YAMLNode])
    case mapping([Member])
  }

  var content: Content
  var line: Int
  var column: Int

  /// The value without places.
  var json: JSONValue {
    switch content {
    case .scalar(let value, _): value
    case .sequence(let nodes): .array(nodes.map(\.json))
    case .mapping(let members): .object(members.map { .init($0.key, $0.value.json) })
    }
  }

  /// What it is, for messages.
  var typeName: String {
    switch content {
    case .scalar(.null, _): "nothing"
    case .scalar(.bool(let value), _): "\(value)"
    case .scalar(.integer, let text), .scalar(.number, let text): "the number \(text)"
    case .scalar(_, let text): "the text '\(text.prefix(40))'"
    case .sequence: "a list"
    case .mapping: "a mapping"
    }
  }
}
