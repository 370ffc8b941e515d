import TraceModel

/// Builds the tree of one document from events, and refuses what could mislead or explode.
///
/// Anchors and aliases (the way of "billion laughs" bombs), tags, keys that are no text, a key twice, a
/// second document, and nesting deeper than the bound are errors with their place.
struct YAMLComposer: ~Copyable {
  private var parser: YAMLParser
  private let path: String?

  /// The root of the one document in `bytes`; a document without content is null.
  static func compose(_ bytes: [UInt8], path: String?) throws(ConfigurationError) -> YAMLNode {
    guard bytes.count <= ConfigurationLimits.documentBytesMax else {
      throw ConfigurationError(
        .tooLarge(bytesMax: ConfigurationLimits.documentBytesMax), path: path)
    }
    return unsafe try bytes.withUnsafeBufferPointer { buffer throws(ConfigurationError) in
      var composer = unsafe YAMLComposer(parser: YAMLParser(buffer), path: path)
      return try composer.root()
    }
  }

  private init(parser: consuming YAMLParser, path: String?) {
    self.parser = parser
    self.path = path
  }

  private mutating func root() throws(ConfigurationError) -> YAMLNode {
    _ = try next()  // streamStart
    var event = try next()
    guard case .documentStart = event.kind else {
      return YAMLNode(content: .scalar(.null, text: ""), line: 1, column: 1)
    }
    let root = try node(try next(), depth: 0)
    _ = try next()  // documentEnd
    event = try next()
    guard case .streamEnd = event.kind else {
      throw error(.unsupported("a second document in one file is"), at: event)
    }
    return root
  }

  private mutating func node(
    _ event: YAMLEvent, depth: Int
  ) throws(ConfigurationError) -> YAMLNode {
    try refuseProperties(event)
    guard depth < ConfigurationLimits.depthMax else {
      let depth = ConfigurationLimits.depthMax
      throw error(.unsupported("nesting deeper than \(depth) levels is"), at: event)
    }
    switch event.kind {
    case .scalar(let text, let isPlain): return try scalar(text, isPlain, event)
    case .sequenceStart: return try sequence(event, depth: depth)
    case .mappingStart: return try mapping(event, depth: depth)
    case .alias:
      throw error(.unsupported("an alias (*name) is"), at: event)
    case .streamStart, .streamEnd, .documentStart, .documentEnd, .sequenceEnd, .mappingEnd:
      preconditionFailure("libyaml gives a node after its start")
    }
  }

  private func scalar(
    _ text: String, _ isPlain: Bool, _ event: YAMLEvent
  ) throws(ConfigurationError) -> YAMLNode {
    guard let value = isPlain ? YAMLScalar.value(ofPlain: text) : .string(text) else {
      throw error(.unsupported("the number \(text.prefix(40)), which is not finite, is"), at: event)
    }
    return YAMLNode(
      content: .scalar(value, text: text), line: event.line, column: event.column)
  }

  private mutating func sequence(
    _ start: YAMLEvent, depth: Int
  ) throws(ConfigurationError) -> YAMLNode {
    var nodes: [YAMLNode] = []
    while true {
      let event = try next()
      if case .sequenceEnd = event.kind { break }
      nodes.append(try node(event, depth: depth + 1))
    }
    return YAMLNode(content: .sequence(nodes), line: start.line, column: start.column)
  }

  private mutating func mapping(
    _ start: YAMLEvent, depth: Int
  ) throws(ConfigurationError) -> YAMLNode {
    var members: [YAMLNode.Member] = []
    var seen: Set<String> = []
    while true {
      let event = try next()
      if case .mappingEnd = event.kind { break }
      try refuseProperties(event)
      guard case .scalar(let key, _) = event.kind else {
        throw error(.unsupported("a key that is no text is"), at: event)
      }
      guard seen.insert(key).inserted else { throw error(.duplicateKey(key), at: event) }
      let value = try node(try next(), depth: depth + 1)
      members.append(.init(key: key, line: event.line, column: event.column, value: value))
    }
    return YAMLNode(content: .mapping(members), line: start.line, column: start.column)
  }

  private mutating func next() throws(ConfigurationError) -> YAMLEvent {
    try parser.next(path: path)
  }

  private func refuseProperties(_ event: YAMLEvent) throws(ConfigurationError) {
    if event.hasAnchor { throw error(.unsupported("an anchor (&name) is"), at: event) }
    if event.hasTag { throw error(.unsupported("a tag (!name) is"), at: event) }
  }

  private func error(_ kind: ConfigurationError.Kind, at event: YAMLEvent) -> ConfigurationError {
    ConfigurationError(kind, path: path, line: event.line, column: event.column)
  }
}
