internal import KernelImages
internal import KernelSelection
internal import TraceModel

/// One batch that kernels are held to a reference on: which rows, how many splits.
struct SelfTestCase {
  var name: String
  var rows: [(queryLength: Int32, kvLength: Int32)]
  var paddedRows = 0
  /// Splits of latent kernels.
  var splits = 4
  /// Query heads of latent kernels.
  var queryHeads = 16
  /// Whether it is small enough for a checker that slows the GPU a hundredfold.
  var isSmall = true

  /// One token, tiles of 16 to 128 and blocks of 16 to 64 and one beside each, and segments' edges.
  private static let edges: [Int32] = [
    1, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129, 255, 256, 257, 272, 1000, 2049,
  ]

  private static func decode(_ lengths: [Int32]) -> [(queryLength: Int32, kvLength: Int32)] {
    lengths.map { (1, $0) }
  }

  /// What kernels over keys and values are tried on.
  static let paged: [SelfTestCase] = [
    SelfTestCase(name: "edges", rows: decode(edges)),
    SelfTestCase(
      name: "graph-padding", rows: decode([500, 1, 33, 2000, 16, 17, 4096, 64, 700]),
      paddedRows: 16),
    SelfTestCase(name: "short-queries", rows: [(4, 100), (1, 33), (8, 3000), (2, 2)]),
    SelfTestCase(name: "100k", rows: decode([100_000, 40]), isSmall: false),
    SelfTestCase(
      name: "mixed",
      rows: [(1, 1100), (1000, 1000), (1, 17), (37, 500), (16, 4000), (0, 0), (300, 315)],
      isSmall: false),
    SelfTestCase(name: "100k-chunk", rows: [(64, 100_000), (1, 129)], isSmall: false),
  ]

  /// What latent kernels are tried on; a row without KV must give zeros.
  static let latent: [SelfTestCase] = [
    SelfTestCase(name: "edges", rows: decode(edges + [0, 5])),
    SelfTestCase(name: "one-split", rows: decode([1, 33, 700, 0]), splits: 1),
    SelfTestCase(name: "many-heads", rows: decode([300, 65, 1500]), splits: 16, queryHeads: 128),
    SelfTestCase(name: "odd-heads", rows: decode([300, 65]), splits: 3, queryHeads: 20),
    SelfTestCase(name: "100k", rows: decode([100_000, 40]), splits: 32, isSmall: false),
    SelfTestCase(name: "100k-264-splits", rows: decode([100_000]), splits: 264, isSmall: false),
  ]
}

/// A test case with random contents for one shape, in the layout that kernels read.
struct SelfTestBatch {
  let shape: KernelShape
  let batch: AttentionBatch
  let context: AttentionContext
  /// Elements of queries, [tokens, query heads, head], as 16-bit words.
  let query: [UInt16]
  /// The cache, [blocks, (keys and values,) slots, KV heads, head], as 16-bit words.
  private(set) var cache: [UInt16]
  /// Block numbers as `LaunchPlan.description` hands them out.
  let order: [Int32]
  /// The first place in `order` of each row's blocks.
  private let firstBlocks: [Int]

  /// Draws contents: uniform, with mean 0 and variance 1.
  init(_ test: SelfTestCase, shape: KernelShape, using generator: inout SeededGenerator) {
    self.shape = shape
    batch = AttentionBatch(rows: test.rows, paddedRows: test.paddedRows)
    let kvHeads = shape.isLatent ? 1 : 2
    context = AttentionContext(
      queryHeads: shape.isLatent ? test.queryHeads : kvHeads * shape.ratio, kvHeads: kvHeads,
      headSize: shape.isLatent ? AttentionContext.latentHeadSize : shape.headSize,
      kvBlockSize: shape.blockSize, smCount: 1, graphs: CUDAGraphs(mode: .none, captureSizes: []))
    var first: [Int] = []
    var blocks = 0
    for length in batch.kvLengths {
      first.append(blocks)
      blocks += LaunchPlan.blocks(length, shape.blockSize)
    }
    firstBlocks = first
    blocks = max(1, blocks)
    order = Array(0..<Int32(clamping: blocks)).shuffled(using: &generator)
    let blockElements = LaunchPlan.blockBytes(in: context) / 2
    query = Self.words(
      batch.summary.launchedTokens * context.queryHeads * context.headSize, shape, &generator)
    cache = Self.words(blocks * blockElements, shape, &generator)
    spoilUnusedSlots()
  }

  private static func words(
    _ count: Int, _ shape: KernelShape, _ generator: inout SeededGenerator
  ) -> [UInt16] {
    var words = [UInt16](repeating: 0, count: count)
    var bits: UInt64 = 0
    for index in words.indices {
      if index % 4 == 0 { bits = generator.next() }
      let uniform = Float(Int16(truncatingIfNeeded: bits)) / 32768
      bits >>= 16
      words[index] = word(uniform * 1.732_050_8, shape)
    }
    return words
  }

  /// A number as the shape's element type, rounded to nearest.
  static func word(_ value: Float, _ shape: KernelShape) -> UInt16 {
    guard shape.element == "bf16" else { return Float16(value).bitPattern }
    let bits = value.bitPattern
    return UInt16(truncatingIfNeeded: (bits &+ 0x7FFF &+ (bits >> 16 & 1)) >> 16)
  }

  /// The number behind a word.
  @inline(__always)
  static func value(_ word: UInt16, isBrain: Bool) -> Float {
    isBrain ? Float(bitPattern: UInt32(word) << 16) : Float(Float16(bitPattern: word))
  }

  /// Where a row's last block holds no token stand numbers that no score survives, yet finite ones: the
  /// kernels of PR #19152 read them and weigh them with zero.
  private mutating func spoilUnusedSlots() {
    let big = Self.word(30_000, shape)
    for row in batch.kvLengths.indices {
      let length = Int(batch.kvLengths[row])
      guard length % shape.blockSize > 0 else { continue }
      for slot in length..<(length / shape.blockSize + 1) * shape.blockSize {
        for part in 0..<(shape.isLatent ? 1 : 2) {
          let place = place(row: row, slot: slot, part: part)
          for index in place..<place + context.kvHeads * context.headSize { cache[index] = big }
        }
      }
    }
  }

  /// Where the heads of a row's token lie in the cache; `part` is 0 for keys and 1 for values.
  func place(row: Int, slot: Int, part: Int) -> Int {
    let slotElements = context.kvHeads * context.headSize
    let parts = shape.isLatent ? 1 : 2
    let block = Int(order[firstBlocks[row] + slot / shape.blockSize])
    return ((block * parts + part) * shape.blockSize + slot % shape.blockSize) * slotElements
  }
}
