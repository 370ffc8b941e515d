internal import CUDADriver
internal import KernelImages
internal import KernelSelection
internal import TraceModel

/// A loaded kernel and how it is launched.
final class LoadedKernel {
  let function: CUDAFunction
  let launch: KernelLaunch

  init(
    _ launch: KernelLaunch, cubin: [UInt8], in context: borrowing CUDAContext
  ) throws(CUDAError) {
    let module = try CUDAModule(image: cubin, in: context)
    let function = try module.function(
      launch.image.entry, signature: KernelSignature(triton: launch.image.signature))
    // More than every GPU gives without being asked.
    if launch.image.sharedBytes > 48 << 10 {
      try function.allowDynamicSharedMemory(ByteCount(Int64(launch.image.sharedBytes)))
    }
    self.function = function
    self.launch = launch
  }
}

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
  }

  static func blocks(_ length: Int32, _ blockSize: Int) -> Int {
    (Int(length) + blockSize - 1) / blockSize
  }

  /// Elements of keys, or of values, in one block.
  var blockElements: Int { blockSize * kvHeads * headSize }
  /// Bytes of a block: keys and values of two bytes an element.
  var blockBytes: Int { 4 * blockElements }
  /// Bytes of queries, and of outputs.
  var queryBytes: Int { 2 * max(1, tokens) * queryHeads * headSize }
  /// (token, head, segment) triples in scratch, up to a multiple of 16 bytes each.
  var cells: Int { (tokens * queryHeads * program.segments + 3) / 4 * 4 }
  /// Bytes of segment outputs, maxima and sums; none without a split.
  var scratchBytes: Int {
    program.segments == 1 ? 0 : 4 * cells * (program.paddedHeadSize + 2)
  }

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
    case "segments": value = program.segments
    case "query_blocks": value = tokens / program.queryTokensPerBlock + rows
    default: throw Self.unknown(name)
    }
    return UInt32(clamping: value)
  }

  /// The value of an argument that is no address.
  func scalar(_ name: String) throws(CUDAError) -> Int {
    switch name {
    case "rows": return rows
    case "query_token_stride", "output_token_stride": return queryHeads * headSize
    case "query_head_stride", "output_head_stride": return headSize
    case "block_table_stride": return tableStride
    case "key_block_stride", "value_block_stride": return 2 * blockElements
    case "key_slot_stride", "value_slot_stride": return kvHeads * headSize
    case "key_head_stride", "value_head_stride": return headSize
    default: throw Self.unknown(name)
    }
  }

  private static func unknown(_ name: String) -> CUDAError {
    CUDAError(.signature("'\(name)' is nothing that this program can give"))
  }

  /// Lengths, query starts and one block table a pool, as the kernels read them.
  ///
  /// Pools share no block, and blocks come in random order, as they do after some hours of serving.
  func description(of batch: AttentionBatch, pools: Int, order: [Int32]) -> [Int32] {
    var words = [Int32](repeating: 0, count: tablePlace(pools))
    var start: Int32 = 0
    for row in batch.kvLengths.indices {
      words[row] = batch.kvLengths[row]
      words[queryStartsPlace + row] = start
      start += batch.queryLengths[row]
    }
    // Padding rows have no length and begin after the last token.
    for row in batch.kvLengths.count...rows { words[queryStartsPlace + row] = start }
    var next = 0
    for pool in 0..<pools {
      for row in batch.kvLengths.indices {
        let place = tablePlace(pool) + row * tableStride
        for block in 0..<Self.blocks(batch.kvLengths[row], blockSize) {
          words[place + block] = order[next]
          next += 1
        }
      }
    }
    return words
  }
}
