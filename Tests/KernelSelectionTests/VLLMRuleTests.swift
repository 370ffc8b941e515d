import KernelSelection
import Testing

@Suite("vLLM's rules")
struct VLLMRuleTests {
  /// Heads of one rank, and the last decode batch on split-KV by the rule of 0.9.2 and of 0.13.
  static let headShapes: [(queryHeads: Int, kvHeads: Int, last092: Int, last013: Int)] = [
    (32, 8, 13, 16), (64, 8, 11, 16), (32, 4, 21, 32), (16, 2, 43, 64), (8, 1, 85, 128),
    (16, 4, 26, 32), (8, 2, 51, 64), (4, 1, 103, 128),
  ]

  @Test("change to 2D after the rows that the release's formula gives", arguments: headShapes)
  func lastSplitBatch(shape: (queryHeads: Int, kvHeads: Int, last092: Int, last013: Int)) throws {
    let context = Fixture.context(queryHeads: shape.queryHeads, kvHeads: shape.kvHeads)
    #expect(try SelectionPolicies.named("vllm-0.9.2").lastSplitRows(in: context) == shape.last092)
    #expect(try SelectionPolicies.named("vllm-0.13").lastSplitRows(in: context) == shape.last013)
    #expect(try SelectionPolicies.named("vllm-0.33").lastSplitRows(in: context) == shape.last013)
  }

  @Test("see padded rows inside full graphs: 9 to 16 rows are 16, 17 are 24")
  func paddedRows() throws {
    let context = Fixture.context(graphs: Fixture.graphs)
    #expect(Fixture.decode(9, in: context).paddedRows == 16)
    #expect(Fixture.decode(17, in: context).paddedRows == 24)
    for name in ["vllm-0.13", "vllm-0.33"] {
      let policy = try SelectionPolicies.named(name)
      for rows in 9...16 {
        #expect(policy.choiceName(Fixture.decode(rows, in: context), context) == "triton-3d-16")
      }
      #expect(policy.choiceName(Fixture.decode(17, in: context), context) == "triton-2d")
    }
    // (8 + 2) × 8 = 80 CTAs; 9 rows are launched as 16: (16 + 4) × 8 = 160.
    #expect(try SelectionPolicies.named("vllm-0.9.2").lastSplitRows(in: context) == 8)
  }

  @Test("see real rows where graphs are cut around attention")
  func piecewise() throws {
    let context = Fixture.context(graphs: .vLLM09())
    #expect(try SelectionPolicies.named("vllm-0.9.2").lastSplitRows(in: context) == 13)
    #expect(try SelectionPolicies.named("vllm-0.13").lastSplitRows(in: context) == 16)
  }

  @Test("move the threshold to the closest captured size, the smaller of two equals")
  func snaps() throws {
    let policy = try SelectionPolicies.named("vllm-0.13")
    let expectations: [(kvHeads: Int, sizes: [Int], last: Int)] = [
      (8, [1, 2, 4, 8, 16, 24, 32], 16),
      (8, [8, 12, 20, 32], 12),
      (8, [8, 13, 20, 32], 13),
      (8, [8, 12, 19, 32], 19),
      (8, [64, 128], 64),
      (8, [1, 2], 2),
      (5, [8, 16, 24, 32], 24),
    ]
    for (kvHeads, sizes, last) in expectations {
      let context = Fixture.context(
        queryHeads: kvHeads * 4, kvHeads: kvHeads,
        graphs: CUDAGraphs(mode: .fullDecodeOnly, captureSizes: sizes))
      #expect(policy.lastSplitRows(in: context) == last, "\(kvHeads) KV heads, sizes \(sizes)")
      let cut = Fixture.context(
        queryHeads: kvHeads * 4, kvHeads: kvHeads,
        graphs: CUDAGraphs(mode: .piecewise, captureSizes: sizes))
      #expect(policy.lastSplitRows(in: cut) == 128 / kvHeads)
    }
  }

  @Test("run a step with any prompt in it on 2D, decode rows included")
  func mixedBatch() throws {
    for graphs in [Fixture.noGraphs, .vLLM09(), Fixture.graphs] {
      let context = Fixture.context(graphs: graphs)
      let mixed = Fixture.launched(queries: [1, 1, 1, 500], in: context)
      for name in ["vllm-0.9.2", "vllm-0.13", "vllm-0.33", "always-3d", "split-up-to:100"] {
        #expect(try SelectionPolicies.named(name).choiceName(mixed, context) == "triton-2d")
      }
    }
  }

  @Test("count a last prompt chunk of one token as decode")
  func lastChunkOfOne() throws {
    // 8,193 prompt tokens: the second step has one token on top of 8,192.
    let batch = AttentionBatch(rows: [(1, 8193), (1, 40)]).summary
    let context = Fixture.context()
    for name in ["vllm-0.9.2", "vllm-0.13", "vllm-0.33"] {
      #expect(try SelectionPolicies.named(name).choiceName(batch, context) == "triton-3d-16")
    }
  }

  @Test("of 0.33 split short multi-token rows while rows × blocks and tokens fit")
  func shortQueries() {
    let rule = VLLM033Policy()
    // 32/8 heads: BLOCK_Q is 4, the threshold 16; scratch rows are 16, 128 and 16.
    let table: [(queries: [Int32], plain: String, verifying: String, few: String)] = [
      ([1, 1, 1, 1, 1, 1, 5], "triton-3d-16", "triton-3d-16", "triton-3d-16"),
      ([8, 8], "triton-3d-16", "triton-3d-16", "triton-3d-16"),
      ([8, 8, 1], "triton-2d", "triton-3d-16", "triton-2d"),
      ([8, 8, 8, 8], "triton-2d", "triton-3d-16", "triton-2d"),
      ([1, 1, 1, 1, 1, 1, 1, 5], "triton-3d-16", "triton-3d-16", "triton-3d-16"),
      ([1, 1, 1, 1, 1, 1, 1, 1, 5], "triton-2d", "triton-2d", "triton-2d"),
      ([9], "triton-2d", "triton-2d", "triton-2d"),
    ]
    let plain = Fixture.context()
    var verifying = plain
    verifying.speculativeTokens = 7
    var fewSequences = verifying
    fewSequences.maxSequences = 2
    for row in table {
      let batch = Fixture.launched(queries: row.queries, in: plain)
      #expect(rule.choiceName(batch, plain) == row.plain, "\(row.queries)")
      #expect(rule.choiceName(batch, verifying) == row.verifying, "\(row.queries)")
      #expect(rule.choiceName(batch, fewSequences) == row.few, "\(row.queries)")
    }
  }

  @Test("launch decode batches above the largest captured size without padding")
  func aboveLargestSize() throws {
    let context = Fixture.context(kvHeads: 8, graphs: .vLLM013())
    let batch = AttentionBatch(rows: Array(repeating: (1, 100), count: 513)).summary
    #expect(context.launch(of: batch) == .eager(tokens: 513))
    #expect(try SelectionPolicies.named("vllm-0.13").choiceName(batch, context) == "triton-2d")
    let full = AttentionBatch(rows: Array(repeating: (1, 100), count: 512)).summary
    #expect(context.launch(of: full) == .fullGraph(paddedTokens: 512))
  }

  @Test("launch decode batches as one graph up to the requests at once")
  func aboveMostSequences() {
    var context = Fixture.context(graphs: .vLLM013(maxSequences: 12))
    context.maxSequences = 12
    var batch = AttentionBatch(rows: Array(repeating: (1, 100), count: 8))
    #expect(context.pad(&batch) == .fullGraph(paddedTokens: 8))
    for _ in 0..<4 { batch.append(queryLength: 1, kvLength: 100) }
    #expect(context.pad(&batch) == .piecewise(paddedTokens: 16))
    #expect(batch.summary.paddedRows == 12)
  }

  @Test("launch batches of verified tokens as one graph, and no others")
  func verifiedTokens() {
    var context = Fixture.context(graphs: .vLLM013())
    context.speculativeTokens = 3
    var verifying = AttentionBatch(rows: Array(repeating: (4, 100), count: 7))
    #expect(context.pad(&verifying) == .fullGraph(paddedTokens: 32))
    #expect(verifying.summary.paddedRows == 8)
    var plain = AttentionBatch(rows: Array(repeating: (1, 100), count: 7))
    #expect(context.pad(&plain) == .piecewise(paddedTokens: 8))
    #expect(plain.summary.paddedRows == 7)
  }
}
