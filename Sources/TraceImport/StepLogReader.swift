public import TraceModel

/// What a line of a step log said.
public enum StepLogEvent: Hashable, Sendable {
  /// A request; its place in the trace is the count of requests before it.
  case request(TraceRequest)
  /// A request, by its place, has ended with so many tokens; those on its own line were the most it
  /// might generate.
  case end(Int32, outputTokens: TokenCount)
  /// A step, now in the `TraceStep` that was handed in.
  case step
  /// Steps that the recorder dropped, or that the rows of the next step show to be missing.
  case gap(TraceGap)
}

/// Reads `engine-step-log/1` line by line from any source, in memory that grows only with requests.
///
/// The first line is the header. Rows name requests by the log's ids; the reader turns them into
/// places, so a request's line comes before the first step that names it. After an error the reader
/// is at no defined place and is to be dropped.
public struct StepLogReader {
  /// The log's name of its own form.
  public static let schema = "engine-step-log/1"

  /// The first line, without `kind`.
  public let header: TraceHeader
  private var lines: LineReader
  private var state = StepLogState()
  /// A step that was read, while the gap in front of it is given out.
  private var heldStep: TraceStep?

  /// Starts reading: takes the header.
  ///
  /// - Parameter name: what errors call the source, such as the file's path.
  public init(_ source: any ByteSource, name: String) throws(TraceImportError) {
    lines = LineReader(source, name: name)
    header = try Self.readHeader(&lines)
    if header["schema"] == nil {
      state.notes.count("header names no schema; read as \(Self.schema)")
    }
  }

  /// Requests read so far.
  public var requestCount: Int { state.places.count }
  /// The line that the last event came from, counted from 1.
  public var lineNumber: Int { lines.number }
  /// What was skipped so far: unknown kinds of lines, unknown keys, one text for each kind of note.
  public var notes: [String] { state.notes.lines }

  /// Reads up to the next event; `nil` at the end of the log.
  ///
  /// `step` is overwritten only with a `.step`, with a gap that the next step implies, or before an error.
  public mutating func next(
    into step: inout TraceStep
  ) throws(TraceImportError) -> StepLogEvent? {
    if let held = heldStep.take() {
      step = held
      return .step
    }
    while try lines.advance() {
      do {
        guard let event = try Self.read(lines, &state, into: &step) else { continue }
        guard let gap = state.impliedGap.take() else { return event }
        heldStep = step
        return .gap(gap)
      } catch {
        throw lines.error(error)
      }
    }
    return nil
  }

  private static func readHeader(
    _ lines: inout LineReader
  ) throws(TraceImportError) -> TraceHeader {
    let advice = "the first line of a step log is {\"kind\":\"header\",…}"
    guard try lines.advance() else {
      throw TraceImportError(
        .foreignFormat, source: lines.name, reason: "nothing to read; \(advice)")
    }
    var parsed: JSONValue?
    do { parsed = try JSONValue(parsing: lines.bytes.span.extracting(lines.line)) } catch {
      if error.kind == .truncated, lines.isUnterminated { throw lines.error(LineFault(error)) }
    }
    guard case .object(var members)? = parsed, parsed?["kind"]?.string == "header" else {
      if lines.bytes.starts(with: [0x28, 0xB5, 0x2F, 0xFD]) {
        throw TraceImportError(
          .foreignFormat, source: lines.name,
          reason: "compressed with zstd; give it to 'zstd -dc FILE | reprise record -'")
      }
      throw lines.error(LineFault("not a step log: \(advice)", kind: .foreignFormat))
    }
    members.removeAll { $0.key == "kind" }
    let header = TraceHeader(members: members)
    if let found = header["schema"], found != .string(schema) {
      throw lines.error(
        LineFault(
          "schema is \(found.text()); this version reads \"\(schema)\"", kind: .foreignFormat))
    }
    return header
  }

  /// Reads one line; a blank one and one of an unknown kind give `nil`.
  private static func read(
    _ lines: borrowing LineReader, _ state: inout StepLogState, into step: inout TraceStep
  ) throws(LineFault) -> StepLogEvent? {
    let bytes = lines.bytes.span
    var scanner = FieldScanner(lines.line)
    scanner.skipWhitespace(bytes)
    guard scanner.position < lines.line.upperBound else { return nil }
    var walk = MemberWalk()
    switch try scanner.kind(&walk, bytes) {
    case StepLogState.stepKind:
      try state.readStep(&scanner, &walk, bytes, into: &step)
      return .step
    case StepLogState.requestKind: return .request(try state.readRequest(&scanner, &walk, bytes))
    case StepLogState.endKind: return try state.readEnd(&scanner, &walk, bytes)
    case StepLogState.gapKind: return .gap(try state.readGap(&scanner, &walk, bytes))
    case StepLogState.headerKind:
      throw LineFault("a second header; are these two logs in one file?", kind: .inconsistent)
    case let kind:
      _ = try scanner.skipValue(bytes)
      try scanner.expectEnd(bytes)
      state.notes.count("line of unknown kind \"\(kind.name)\" skipped")
      return nil
    }
  }
}

extension FieldScanner {
  /// The line's kind: the first member in every known log, looked for in the whole object otherwise.
  ///
  /// Where it came first the walk goes on behind it; otherwise the scanner is back at the start.
  fileprivate mutating func kind(
    _ walk: inout MemberWalk, _ bytes: Span<UInt8>
  ) throws(LineFault) -> PackedKey {
    let start = position
    try expect(UInt8(ascii: "{"), bytes)
    skipWhitespace(bytes)
    if try !isEmptyList(UInt8(ascii: "}"), bytes), try key(bytes) == StepLogState.kindKey,
      let kind = shortString(bytes), StepLogState.isKnown(kind)
    {
      walk = MemberWalk(isPastFirst: true)
      return kind
    }
    position = start
    let value = try skipValue(bytes)
    position = start
    guard let kind = value["kind"]?.string else {
      throw LineFault("\"kind\" is missing; is this a step log?")
    }
    return PackedKey(prefixOf: kind)
  }

  /// Takes a string of at most sixteen plain bytes.
  private mutating func shortString(_ bytes: Span<UInt8>) -> PackedKey? {
    guard byteOrZero(bytes) == UInt8(ascii: "\"") else { return nil }
    position += 1
    var packed = PackedKey()
    while byteOrZero(bytes) != UInt8(ascii: "\"") {
      let byte = byteOrZero(bytes)
      guard byte > 0x20, byte < 0x7F, byte != UInt8(ascii: "\\"), packed.append(byte) else {
        return nil
      }
      position += 1
    }
    position += 1
    return packed
  }
}
