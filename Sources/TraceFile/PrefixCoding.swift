internal import TraceModel

/// The prefix blocks of a range of requests, as the content of one chunk.
///
/// Column 1: the count of each request's blocks, as a signed difference from the count that its prompt
/// needs at parameter 1's tokens a block (0: none are expected). Column 2: for each request with
/// blocks a list of runs that make up its count. A run is a varint, 4 × length + kind, where length 0
/// stands for all blocks left:
///
/// | kind | blocks |
/// |---|---|
/// | 0 | each is what last followed the one before it in the chunk (the first: what last came first) |
/// | 1 | each is new: one more than the largest so far, from 0 |
/// | 2 | each is told, as a signed difference (modulo 2^64) from what kind 1 would give |
///
/// A conversation's next turn is thus a run along the turn before, then a run of new blocks.
enum PrefixCoding {
  static let counts: UInt64 = 1
  static let runs: UInt64 = 2
  static let blockTokens: UInt64 = 1

  /// How many blocks a prompt needs; 0 where their size is unknown.
  private static func expectedCount(_ request: TraceRequest, _ blockTokens: Int64) -> Int64 {
    guard blockTokens > 0 else { return 0 }
    return (Int64(request.promptTokens.rawValue) + blockTokens - 1) / blockTokens
  }

  // MARK: Writing

  /// The content of a chunk for requests, of which there is at least one.
  static func content(of requests: [TraceRequest], blockTokens: Int64) -> ChunkContent {
    var content = ChunkContent()
    content.add(parameter: Self.blockTokens, blockTokens)
    content.add(
      column: counts,
      signed: requests.map {
        Int64($0.prefixBlocks.count) - expectedCount($0, blockTokens)
      })
    var writer = ByteWriter()
    var chain = PrefixChain()
    for request in requests { write(request.prefixBlocks, &chain, to: &writer) }
    content.add(column: runs, bytes: writer.bytes)
    return content
  }

  private static func write(
    _ blocks: [UInt64], _ chain: inout PrefixChain, to writer: inout ByteWriter
  ) {
    chain.startRequest()
    var place = 0
    while place < blocks.count {
      let start = place
      let kind = chain.kind(of: blocks[place])
      var told = ByteWriter()
      while place < blocks.count, chain.kind(of: blocks[place]) == kind {
        if kind == .told { told.signed(Int64(bitPattern: blocks[place] &- chain.newBlock)) }
        chain.take(blocks[place])
        place += 1
      }
      let length = place == blocks.count ? 0 : place - start
      writer.unsigned(UInt64(length * 4) + kind.rawValue)
      writer.append(told.bytes)
    }
  }

  // MARK: Reading

  /// Gives blocks to the requests that a chunk is about.
  static func read(
    _ bytes: [UInt8], into requests: inout ArraySlice<TraceRequest>, blocksMax: Int
  ) throws(Corruption) {
    let content = try ChunkContentReader(bytes, itemCount: requests.count)
    let blockTokens = try content.parameter(
      Self.blockTokens, in: 0...Int64(TraceFileLimits.tokensMax))
    let differences = try content.signed(counts)
    var reader = try content.stream(runs)
    var chain = PrefixChain()
    var left = blocksMax
    for (index, difference) in zip(requests.indices, differences) {
      let sum = expectedCount(requests[index], blockTokens).addingReportingOverflow(difference)
      let count = sum.partialValue
      guard !sum.overflow, count >= 0, count <= Int64(min(left, TraceFileLimits.prefixBlocksMax))
      else { throw Corruption("\(count) prefix blocks of one request") }
      left -= Int(count)
      if count > 0 {
        requests[index].prefixBlocks = try blocks(count: Int(count), &chain, from: &reader)
      }
    }
    guard reader.isAtEnd else { throw Corruption("runs of prefix blocks behind the last request") }
  }

  private static func blocks(
    count: Int, _ chain: inout PrefixChain, from reader: inout ByteReader
  ) throws(Corruption) -> [UInt64] {
    var blocks: [UInt64] = []
    blocks.reserveCapacity(count)
    chain.startRequest()
    while blocks.count < count {
      let code = try reader.unsigned()
      let left = count - blocks.count
      guard let kind = PrefixChain.Kind(rawValue: code % 4), code / 4 <= UInt64(left) else {
        throw Corruption("a run of prefix blocks is longer than the request's list")
      }
      for _ in 0..<(code < 4 ? left : Int(code / 4)) {
        let block: UInt64
        switch kind {
        case .followed:
          guard let known = chain.followingBlock else {
            throw Corruption("a prefix block is to follow one that nothing followed")
          }
          block = known
        case .new: block = chain.newBlock
        case .told: block = chain.newBlock &+ UInt64(bitPattern: try reader.signed())
        }
        chain.take(block)
        blocks.append(block)
      }
    }
    return blocks
  }
}

/// What prefix blocks of a chunk have followed which; the same in writer and reader.
struct PrefixChain {
  /// How a block is told.
  enum Kind: UInt64 {
    case followed = 0
    case new = 1
    case told = 2
  }

  private var followers: [UInt64: UInt64] = [:]
  private var first: UInt64?
  private var last: UInt64?
  /// One more than the largest block so far.
  private(set) var newBlock: UInt64 = 0

  mutating func startRequest() { last = nil }

  /// What last followed the block before, or came first.
  var followingBlock: UInt64? {
    guard let last else { return first }
    return followers[last]
  }

  func kind(of block: UInt64) -> Kind {
    if block == followingBlock { return .followed }
    return block == newBlock ? .new : .told
  }

  mutating func take(_ block: UInt64) {
    if let last {
      if followers[last] != block { followers[last] = block }
    } else {
      first = block
    }
    last = block
    if block >= newBlock { newBlock = block &+ 1 }
  }
}
