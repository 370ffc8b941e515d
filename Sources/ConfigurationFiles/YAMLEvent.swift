/// One event of libyaml's parser, as a Swift value.
struct YAMLEvent {
  enum Kind {
    case streamStart
    case streamEnd
    case documentStart
    case documentEnd
    case alias
    /// A scalar's text; `isPlain` where it stands without quotes, so that its type follows its form.
    case scalar(String, isPlain: Bool)
    case sequenceStart
    case sequenceEnd
    case mappingStart
    case mappingEnd
  }

  var kind: Kind
  /// Whether the node has an anchor, such as `&a`.
  var hasAnchor = false
  /// Whether the node has a tag, such as `!!str`.
  var hasTag = false
  /// Where it starts, counted from 1.
  var line: Int
  var column: Int
}
