import TraceModel

/// Reads Mooncake's traces (FAST '25 release): one JSON object a line, arrivals in milliseconds.
///
/// An equal id in `hash_ids` means an equal block and an equal prefix before it, which is what
/// `TraceRequest.prefixBlocks` asks for; the last id may stand for a block that is partly filled.
enum MooncakeImporter {
  private static let blockTokens = 512

  private enum Key: String, CaseIterable {
    case timestamp
    case inputLength = "input_length"
    case outputLength = "output_length"
    case hashIDs = "hash_ids"
  }

  static func read(_ source: consuming LineReader) throws(TraceImportError) -> ImportedWorkload {
    var lines = source
    var builder = WorkloadBuilder()
    let keys = KeyList<Key>(required: [.timestamp, .inputLength, .outputLength])
    var row: Int64 = 0
    while try lines.advance() {
      guard !lines.line.isEmpty else { continue }
      do {
        try builder.add(try request(lines, row, keys, &builder.notes))
      } catch {
        throw lines.error(error.asForeign(.mooncake, line: lines.number))
      }
      row += 1
    }
    return try builder.finish(
      .mooncake, name: lines.name,
      members: [
        .init("time_zero", .string("start of the trace")),
        .init("prefix_block_tokens", .integer(Int64(blockTokens))),
      ])
  }

  private static func request(
    _ lines: borrowing LineReader, _ row: Int64, _ keys: borrowing KeyList<Key>,
    _ notes: inout NoteCounter
  ) throws(LineFault) -> TraceRequest {
    let bytes = lines.bytes.span
    var scanner = FieldScanner(lines.line)
    var walk = MemberWalk()
    var request = TraceRequest(
      id: RequestID(row), arrival: .zero, promptTokens: .zero, outputTokens: .zero)
    while let key = try walk.next(keys, &scanner, bytes, &notes) {
      switch key {
      case .timestamp: request.arrival = try scanner.millis("\"timestamp\"", bytes)
      case .inputLength: request.promptTokens = try scanner.tokens("\"input_length\"", bytes)
      case .outputLength: request.outputTokens = try scanner.tokens("\"output_length\"", bytes)
      case .hashIDs: try scanner.identities(bytes, into: &request.prefixBlocks)
      }
    }
    try request.checkBlocks(of: blockTokens)
    return request
  }
}

extension TraceRequest {
  /// Refuses more block ids than the prompt has blocks: the file is then of another block size.
  func checkBlocks(of tokens: Int) throws(LineFault) {
    let blocks = (promptTokens.value + tokens - 1) / tokens
    guard prefixBlocks.count <= blocks else {
      throw LineFault(
        "\(prefixBlocks.count) block ids for a prompt of \(promptTokens.value) tokens, "
          + "which has \(blocks) blocks of \(tokens)", kind: .inconsistent)
    }
  }
}

extension LineFault {
  /// The same fault, asking on the first line whether this is the format at all.
  func asForeign(_ format: WorkloadFormat, line: Int) -> LineFault {
    guard line == 1, kind == .malformed else { return self }
    return LineFault(
      "\(reason); is this of the \(format.rawValue) format (\(format.summary))?",
      kind: .foreignFormat)
  }
}
