import CYAML

/// libyaml's parser over bytes that outlive it; gives one event after another.
///
/// The C parser points into itself, so it lives behind a pointer. All of its memory is freed with this
/// value; every event's memory before the next call.
@safe
struct YAMLParser: ~Copyable {
  private let parser: UnsafeMutablePointer<yaml_parser_t>

  /// A parser over UTF-8; `bytes` must stay in place while it is used.
  init(_ bytes: UnsafeBufferPointer<UInt8>) {
    unsafe parser = .allocate(capacity: 1)
    let isReady = unsafe yaml_parser_initialize(parser)
    precondition(isReady == 1, "libyaml is out of memory")
    unsafe yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
    unsafe yaml_parser_set_input_string(parser, bytes.baseAddress, bytes.count)
  }

  deinit {
    unsafe yaml_parser_delete(parser)
    unsafe parser.deallocate()
  }

  /// The next event; after `streamEnd` there is none.
  mutating func next(path: String?) throws(ConfigurationError) -> YAMLEvent {
    var event = unsafe yaml_event_t()
    guard unsafe yaml_parser_parse(parser, &event) == 1 else { throw problem(path: path) }
    defer { unsafe yaml_event_delete(&event) }
    return unsafe Self.value(of: event)
  }

  private static func value(of event: yaml_event_t) -> YAMLEvent {
    var value = unsafe YAMLEvent(
      kind: .streamEnd, line: Int(event.start_mark.line) + 1,
      column: Int(event.start_mark.column) + 1)
    switch unsafe event.type {
    case YAML_STREAM_START_EVENT: value.kind = .streamStart
    case YAML_DOCUMENT_START_EVENT: value.kind = .documentStart
    case YAML_DOCUMENT_END_EVENT: value.kind = .documentEnd
    case YAML_ALIAS_EVENT: value.kind = .alias
    case YAML_SCALAR_EVENT:
      let scalar = unsafe event.data.scalar
      let text = unsafe String(
        decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
      value.kind = unsafe .scalar(text, isPlain: scalar.style == YAML_PLAIN_SCALAR_STYLE)
      value.hasAnchor = unsafe scalar.anchor != nil
      value.hasTag = unsafe scalar.tag != nil
    case YAML_SEQUENCE_START_EVENT:
      value.kind = .sequenceStart
      value.hasAnchor = unsafe event.data.sequence_start.anchor != nil
      value.hasTag = unsafe event.data.sequence_start.tag != nil
    case YAML_SEQUENCE_END_EVENT: value.kind = .sequenceEnd
    case YAML_MAPPING_START_EVENT:
      value.kind = .mappingStart
      value.hasAnchor = unsafe event.data.mapping_start.anchor != nil
      value.hasTag = unsafe event.data.mapping_start.tag != nil
    case YAML_MAPPING_END_EVENT: value.kind = .mappingEnd
    default: value.kind = .streamEnd
    }
    return value
  }

  /// What libyaml says of the failure that it just reported.
  private func problem(path: String?) -> ConfigurationError {
    let text = unsafe parser.pointee.problem.map { unsafe String(cString: $0) }
    guard unsafe parser.pointee.error != YAML_READER_ERROR else {
      let offset = unsafe parser.pointee.problem_offset
      return ConfigurationError(
        .syntax("\(text ?? "unreadable text") at byte \(offset)"), path: path)
    }
    let mark = unsafe parser.pointee.problem_mark
    return ConfigurationError(
      .syntax(text ?? "unknown problem"), path: path, line: Int(mark.line) + 1,
      column: Int(mark.column) + 1)
  }
}
