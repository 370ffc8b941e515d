import TraceModel

/// Reads Alibaba's Qwen-Bailian traces: one JSON object a line, arrivals in seconds.
///
/// Their `hash_ids` name the content of 16-token blocks, whatever stands before: the same id may come
/// twice in a prompt. They are therefore chained, each with all before it, so that equal identities
/// mean equal prefixes.
enum QwenBailianImporter {
  private static let blockTokens = 16

  private enum Key: String, CaseIterable {
    case chatID = "chat_id"
    case parentChatID = "parent_chat_id"
    case timestamp
    case inputLength = "input_length"
    case outputLength = "output_length"
    case type, turn
    case hashIDs = "hash_ids"
  }

  static func read(_ source: consuming LineReader) throws(TraceImportError) -> ImportedWorkload {
    var lines = source
    var builder = WorkloadBuilder()
    let keys = KeyList<Key>(required: [.chatID, .timestamp, .inputLength, .outputLength])
    var seen: Set<Int64> = []
    while try lines.advance() {
      guard !lines.line.isEmpty else { continue }
      do throws(LineFault) {
        let request = try request(lines, keys, &builder.notes)
        guard seen.insert(request.id.rawValue).inserted else {
          throw LineFault("chat_id \(request.id.rawValue) a second time", kind: .inconsistent)
        }
        try builder.add(request)
      } catch {
        throw lines.error(error.asForeign(.qwenBailian, line: lines.number))
      }
    }
    return try builder.finish(
      .qwenBailian, name: lines.name,
      members: [
        .init("time_zero", .string("start of the trace")),
        .init("prefix_block_tokens", .integer(Int64(blockTokens))),
      ])
  }

  private static func request(
    _ lines: borrowing LineReader, _ keys: borrowing KeyList<Key>, _ notes: inout NoteCounter
  ) throws(LineFault) -> TraceRequest {
    let bytes = lines.bytes.span
    var scanner = FieldScanner(lines.line)
    var walk = MemberWalk()
    var request = TraceRequest(
      id: RequestID(0), arrival: .zero, promptTokens: .zero, outputTokens: .zero)
    while let key = try walk.next(keys, &scanner, bytes, &notes) {
      switch key {
      case .chatID:
        request.id = RequestID(Int64(try scanner.whole("\"chat_id\"", max: 1 << 62, bytes)))
      case .timestamp: request.arrival = try scanner.seconds("\"timestamp\"", bytes)
      case .inputLength: request.promptTokens = try scanner.tokens("\"input_length\"", bytes)
      case .outputLength: request.outputTokens = try scanner.tokens("\"output_length\"", bytes)
      case .hashIDs: try scanner.identities(bytes, into: &request.prefixBlocks)
      case .parentChatID, .type, .turn: _ = try scanner.skipValue(bytes)
      }
    }
    try request.checkBlocks(of: blockTokens)
    chain(&request.prefixBlocks)
    return request
  }

  /// Turns names of content into names of prefixes: each becomes a hash of itself and its parent's.
  ///
  /// 63 bits, so that an identity is an integer to every JSON reader; ten million different prefixes
  /// then collide with a probability of about five in a million.
  static func chain(_ blocks: inout [UInt64]) {
    var parent: UInt64 = 0
    for index in blocks.indices {
      parent = mix(parent ^ mix(blocks[index] &+ 0x9E37_79B9_7F4A_7C15))
      blocks[index] = parent >> 1
    }
  }

  /// SplitMix64's finaliser (Steele, Lea and Flood, 2014): a bijection that mixes all bits.
  private static func mix(_ value: UInt64) -> UInt64 {
    var mixed = value
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
