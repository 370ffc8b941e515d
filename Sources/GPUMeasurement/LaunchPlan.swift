internal import CUDADriver
internal import KernelImages
internal import KernelSelection
internal import TraceModel

/// Sizes of one batch's launches; mirrors `launches.py` beside the kernels.
struct LaunchPlan {
  let rows: Int
  let tokens: Int
  let queryHeads: Int
  let kvHeads: Int
  let headSize: Int
  let blockSize: Int
  /// Entries of a row of the block table.
  let tableStride: Int
  /// Blocks of all rows.
  let blocks: Int
  let program: KernelProgram
  /// Microseconds of memory traffic and arithmetic at an H200's best rates; no call takes less.
  let leastMicroseconds: Double

  /// Programs that a split of PR #19774 is spread over, and heads of one program; as `images.py` has it.
  static let pages = 32
  static let headsPerProgram = 16

  init(_ program: KernelProgram, _ batch: AttentionBatch, in context: AttentionContext) {
    self.program = program
    rows = max(batch.summary.paddedRows, batch.kvLengths.count)
    tokens = batch.summary.launchedTokens
    queryHeads = context.queryHeads
    kvHeads = context.kvHeads
    headSize = context.headSize
    blockSize = context.kvBlockSize
    let longest = Self.blocks(Int32(clamping: batch.summary.maxKVLength), blockSize)
    // A kernel reads the table to the end of its last tile, which has at most 128 tokens = 8 blocks.
    tableStride = (longest + 8 + 7) / 8 * 8
    blocks = max(1, batch.kvLengths.reduce(0) { $0 + Self.blocks($1, context.kvBlockSize) })
    var products = 0.0
    for (query, kv) in zip(batch.queryLengths, batch.kvLengths) {
      products += Double(query) * (Double(kv) - Double(query) / 2)
    }
    let bytes = Double(blocks * Self.blockBytes(in: context))
    leastMicroseconds =
      3 + bytes / 4e6 + 4 * products * Double(queryHeads * headSize) / 6e8
  }

  /// The product that an engine computes before attention, to queries, keys and values; `nil` before
  /// prompts and latent caches.
  ///
  /// - `width`: elements of its input's rows, the model's hidden size
  func product(fromWidth width: Int, before batch: AttentionBatch) -> MatrixProducts.Size? {
    guard batch.summary.isSingleTokenOnly, !isLatent else { return nil }
    return MatrixProducts.Size(
      rows: tokens, inner: width, columns: (queryHeads + 2 * kvHeads) * headSize)
  }

  static func blocks(_ length: Int32, _ blockSize: Int) -> Int {
    (Int(length) + blockSize - 1) / blockSize
  }

  /// Bytes of a block of a cache: keys and values of two bytes an element, which a latent cache has once.
  static func blockBytes(in context: AttentionContext) -> Int {
    (context.isLatent ? 2 : 4) * context.kvBlockSize * context.kvHeads * context.headSize
  }

  var isLatent: Bool { program.shape.isLatent }
  /// Elements of keys, or of values, in one block.
  var blockElements: Int { blockSize * kvHeads * headSize }
  /// Bytes of a block.
  var blockBytes: Int { (isLatent ? 2 : 4) * blockElements }
  /// Blocks that the kernel's offsets reach: those of latent caches have 32 bits, as in vLLM.
  var addressableBlocks: Int { isLatent ? Self.offsetsMax / blockElements : Self.offsetsMax }
  /// Elements that 32-bit offsets reach.
  static let offsetsMax = Int(Int32.max)
  /// Which tensor of an MLA kernel its 32-bit offsets do not reach to the end, in words; `nil` where all
  /// are within reach.
  var beyondReach: String? {
    guard isLatent else { return nil }
    let parts = [
      ("queries", tokens * queryHeads * headSize), ("KV", blocks * blockElements),
      ("partial results of \(program.segments) splits", cells * (AttentionContext.latentSize + 1)),
    ]
    return parts.first { $0.1 > Self.offsetsMax }.map { "\($0.1) elements of \($0.0)" }
  }
  /// Elements of an output's head.
  var outputHeadSize: Int { isLatent ? AttentionContext.latentSize : headSize }
  /// Bytes of queries.
  var queryBytes: Int { 2 * max(1, tokens) * queryHeads * headSize }
  /// Bytes of outputs.
  var outputBytes: Int { 2 * max(1, tokens) * queryHeads * outputHeadSize }
  /// (token, head, part) triples in scratch, up to a multiple of 16 bytes each.
  var cells: Int { (tokens * queryHeads * program.segments + 3) / 4 * 4 }
  /// What scratch holds of each triple, in fp32 elements.
  private var cellElements: Int {
    guard isLatent else { return program.segments == 1 ? 0 : program.paddedHeadSize + 2 }
    return AttentionContext.latentSize + 1
      + (usesPages ? Self.pages * (AttentionContext.latentSize + 3) : 0)
  }
  private var usesPages: Bool {
    program.launches.contains { $0.image.arguments.contains { $0.name == "pages" } }
  }
  /// Bytes of segment outputs, maxima and sums; none without a split.
  var scratchBytes: Int { 4 * cells * cellElements }

  /// Places of the three parts of the batch's description, in 32-bit words.
  var queryStartsPlace: Int { (rows + 3) / 4 * 4 }
  var tablesPlace: Int { queryStartsPlace + (rows + 1 + 3) / 4 * 4 }
  func tablePlace(_ pool: Int) -> Int { tablesPlace + pool * rows * tableStride }

  func extent(_ name: String) throws(CUDAError) -> UInt32 {
    let value: Int
    switch name {
    case "one": value = 1
    case "rows": value = rows
    case "tokens": value = tokens
    case "query_heads": value = queryHeads
    case "kv_heads": value = kvHeads
    case "segments", "splits": value = program.segments
    case "query_blocks": value = tokens / program.queryTokensPerBlock + rows
    case "head_blocks": value = (queryHeads + Self.headsPerProgram - 1) / Self.headsPerProgram
    case "split_pages": value = program.segments * Self.pages
    case "split_heads": value = program.segments * Self.headsPerProgram
    default: throw Self.unknown(name)
    }
    return UInt32(clamping: value)
  }

  /// The value of an argument that is no address.
  func scalar(_ name: String) throws(CUDAError) -> Int {
    switch name {
    case "rows": return rows
    case "query_heads": return queryHeads
    case "splits": return program.segments
    case "query_token_stride", "query_row_stride": return queryHeads * headSize
    case "query_head_stride": return headSize
    case "output_token_stride", "output_row_stride": return queryHeads * outputHeadSize
    case "output_head_stride": return outputHeadSize
    case "block_table_stride": return tableStride
    case "key_block_stride", "value_block_stride": return 2 * blockElements
    case "key_slot_stride", "value_slot_stride": return kvHeads * headSize
    case "key_head_stride", "value_head_stride": return headSize
    case "cache_block_stride": return blockElements
    case "cache_slot_stride": return headSize
    default: throw Self.unknown(name)
    }
  }

  /// What scores are multiplied by; DeepSeek's heads of 128 + 64 elements for latent caches.
  var scale: Float { 1 / Float(isLatent ? 192 : headSize).squareRoot() }

  private static func unknown(_ name: String) -> CUDAError {
    CUDAError(.signature("'\(name)' is nothing that this program can give"))
  }

  /// Lengths, query starts and one block table a pool, as the kernels read them.
  ///
  /// Pools share no block, and blocks come in random order, as they do after some hours of serving.
  /// - `start`: the place in `order` where the first pool begins; past the end it goes on at the front
  func description(
    of batch: AttentionBatch, pools: Int, order: [Int32], start: Int = 0
  ) -> [Int32] {
    var words = [Int32](repeating: 0, count: tablePlace(pools))
    var token: Int32 = 0
    for row in batch.kvLengths.indices {
      words[row] = batch.kvLengths[row]
      words[queryStartsPlace + row] = token
      token += batch.queryLengths[row]
    }
    // Padding rows have no length and begin after the last token.
    for row in batch.kvLengths.count...rows { words[queryStartsPlace + row] = token }
    var next = order.isEmpty ? 0 : start % order.count
    for pool in 0..<pools {
      for row in batch.kvLengths.indices {
        let place = tablePlace(pool) + row * tableStride
        for block in 0..<Self.blocks(batch.kvLengths[row], blockSize) {
          words[place + block] = order[next]
          next = next + 1 == order.count ? 0 : next + 1
        }
      }
    }
    return words
  }
}
