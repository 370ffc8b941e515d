internal import TraceModel

/// The columns of a chunk of requests.
enum RequestColumn: Int, CaseIterable {
  /// Difference of the id from one more than the last.
  case id = 0
  /// Microseconds since the last arrival.
  case arrival
  /// Prompt tokens.
  case promptTokens
  /// Output tokens.
  case outputTokens
  /// Count of prefix blocks.
  case prefixCount
  /// Prefix blocks: 0 for one more than the largest so far in the chunk, otherwise one more than the
  /// zigzag difference from the one before in the request, plus one.
  case prefixBlocks
}

/// Collects requests into the content of one chunk.
struct RequestEncoder {
  private var columns = ColumnWriter(columnCount: RequestColumn.allCases.count)
  private var lastID: Int64 = -1
  private var lastArrival: Int64 = 0
  private var largest = PrefixBlockPredictor()
  private(set) var count = 0
  private var blockCount = 0

  var isFull: Bool {
    count >= TraceFileLimits.requestsPerChunk || blockCount >= TraceFileLimits.prefixBlocksPerChunk
  }

  func content() -> [UInt8] { columns.content() }

  mutating func append(_ request: TraceRequest) {
    let arrival = FileTime.microseconds(request.arrival)
    columns[RequestColumn.id.rawValue].signed(request.id.rawValue &- lastID &- 1)
    columns[RequestColumn.arrival.rawValue].signed(arrival - lastArrival)
    columns[RequestColumn.promptTokens.rawValue].unsigned(
      UInt64(UInt32(bitPattern: request.promptTokens.rawValue)))
    columns[RequestColumn.outputTokens.rawValue].unsigned(
      UInt64(UInt32(bitPattern: request.outputTokens.rawValue)))
    columns[RequestColumn.prefixCount.rawValue].unsigned(UInt64(request.prefixBlocks.count))
    largest.startRequest()
    for block in request.prefixBlocks {
      columns[RequestColumn.prefixBlocks.rawValue].unsigned(largest.code(of: block))
    }
    lastID = request.id.rawValue
    lastArrival = arrival
    count += 1
    blockCount += request.prefixBlocks.count
  }
}

/// Gives back all requests of one chunk.
enum RequestDecoder {
  static func append(
    content: [UInt8], count: Int, to requests: inout [TraceRequest]
  ) throws(Corruption) {
    var columns = try ColumnReader(content: content, columnCount: RequestColumn.allCases.count)
    var lastID: Int64 = -1
    var lastArrival: Int64 = 0
    var predictor = PrefixBlockPredictor()
    for _ in 0..<count {
      lastID = lastID &+ (try columns[RequestColumn.id.rawValue].signed()) &+ 1
      let arrival = try FileTime.sum(
        lastArrival, try columns[RequestColumn.arrival.rawValue].signed())
      let prompt = try columns[RequestColumn.promptTokens.rawValue].count(
        max: Int(Int32.max), "prompt tokens")
      let output = try columns[RequestColumn.outputTokens.rawValue].count(
        max: Int(Int32.max), "output tokens")
      let blockCount = try columns[RequestColumn.prefixCount.rawValue].count(
        max: min(
          TraceFileLimits.prefixBlocksMax, columns[RequestColumn.prefixBlocks.rawValue].remaining),
        "prefix blocks")
      var blocks: [UInt64] = []
      blocks.reserveCapacity(blockCount)
      predictor.startRequest()
      for _ in 0..<blockCount {
        blocks.append(
          predictor.block(of: try columns[RequestColumn.prefixBlocks.rawValue].unsigned()))
      }
      lastArrival = arrival
      requests.append(
        TraceRequest(
          id: RequestID(lastID), arrival: FileTime.fromMicroseconds(arrival),
          promptTokens: TokenCount(Int32(prompt)), outputTokens: TokenCount(Int32(output)),
          prefixBlocks: blocks))
    }
    try columns.finish()
  }
}

/// Tells a prefix block by what usually follows: the next new number, or one more than the last.
///
/// Publishers number new blocks in order, so nearly all codes are 0 (new) or 1 (the block that
/// followed it before, too). Differences wrap around 64 bits, so any identity can be told.
struct PrefixBlockPredictor {
  private var next: UInt64 = 0
  private var last: UInt64 = 0

  mutating func startRequest() { last = .max }

  mutating func code(of block: UInt64) -> UInt64 {
    defer { take(block) }
    if block == next { return 0 }
    let difference = Int64(bitPattern: block &- last &- 1)
    let zigzag = UInt64(bitPattern: (difference << 1) ^ (difference >> 63))
    // A difference of exactly 2^63 has no code: no publisher numbers blocks so far apart.
    return zigzag &+ 1
  }

  mutating func block(of code: UInt64) -> UInt64 {
    let block: UInt64
    if code == 0 {
      block = next
    } else {
      let zigzag = code &- 1
      let difference = Int64(bitPattern: zigzag >> 1) ^ -Int64(bitPattern: zigzag & 1)
      block = last &+ 1 &+ UInt64(bitPattern: difference)
    }
    take(block)
    return block
  }

  private mutating func take(_ block: UInt64) {
    last = block
    if block >= next, block < .max { next = block + 1 }
  }
}
