import KernelSelection
import Testing

@Suite("A policy made of conditions")
struct RulePolicyTests {
  let context = Fixture.context(graphs: Fixture.graphs)

  @Test("lets the first rule whose conditions all hold decide")
  func firstMatchWins() {
    let policy = RulePolicy(
      name: "mine", source: "a test",
      rules: [
        .init(when: [.anyPrefill(true)], use: .triton2D),
        .init(
          when: [.number(.rows, .atMost, 16), .number(.maxKVLength, .atLeast, 1001)],
          use: .triton3D16),
        .init(when: [.number(.rows, .atMost, 64)], use: .flashInfer),
      ], default: .flashAttention3)
    #expect(
      policy.choiceName(Fixture.launched(queries: [1, 2], in: context), context) == "triton-2d")
    #expect(policy.choiceName(Fixture.decode(9, in: context), context) == "triton-3d-16")
    #expect(policy.choiceName(Fixture.decode(17, in: context), context) == "flashinfer")
    #expect(policy.choiceName(Fixture.decode(65, in: context), context) == "flash-attention-3")
    #expect(
      policy.variants.map(\.name) == [
        "triton-2d", "triton-3d-16", "flashinfer", "flash-attention-3",
      ])
    #expect(
      policy.explanation
        == "triton-2d if any row is prefill, else triton-3d-16 if rows ≤ 16 and "
        + "max_kv_length ≥ 1001, else flashinfer if rows ≤ 64, else flash-attention-3.")
  }

  @Test("sees each number as the launch has it")
  func quantities() {
    // Nine rows are launched as 16: 16 / 4 + 16 = 20 query blocks, × 8 heads.
    let batch = Fixture.decode(9, in: context)
    let skewed = AttentionBatch(rows: [(1, 100), (7, 300), (1, 200)]).summary
    let table: [(RuleQuantity, Double, Double)] = [
      (.rows, 16, 3), (.tokens, 16, 9), (.maxQueryLength, 1, 7), (.maxKVLength, 1001, 300),
      (.meanKVLength, 1001, 200), (.sumKVLength, 9009, 600), (.skew, 1, 1.5),
      (.queryBlocksTimesKVHeads, 160, 40), (.kvHeads, 8, 8), (.smCount, 132, 132),
    ]
    #expect(table.map(\.0) == RuleQuantity.allCases)
    for (quantity, padded, plain) in table {
      #expect(quantity.value(for: batch, in: context) == padded, "\(quantity.rawValue)")
      #expect(quantity.value(for: skewed, in: context) == plain, "\(quantity.rawValue)")
    }
    #expect(BatchSummary().skew == 0)
  }

  @Test("compares with a bound in five ways")
  func comparisons() {
    let expected: [(RuleComparison, [Bool])] = [
      (.atMost, [true, true, false]), (.atLeast, [false, true, true]),
      (.below, [true, false, false]), (.above, [false, false, true]),
      (.equals, [false, true, false]),
    ]
    #expect(expected.map(\.0) == RuleComparison.allCases)
    for (comparison, results) in expected {
      #expect([1.0, 2, 3].map { comparison.holds($0, 2) } == results, "\(comparison.rawValue)")
    }
  }

  @Test("can state vLLM 0.9.2's rule and then decides every small batch as that does")
  func restatesARelease() throws {
    let release = try SelectionPolicies.named("vllm-0.9.2")
    let restated = RulePolicy(
      name: "restated", source: "a test",
      rules: [
        .init(
          when: [
            .number(.maxQueryLength, .atMost, 1), .number(.queryBlocksTimesKVHeads, .atMost, 128),
          ],
          use: .triton3D16)
      ], default: .triton2D)
    for graphs in [Fixture.noGraphs, Fixture.graphs] {
      for (queryHeads, kvHeads) in [(32, 8), (64, 8), (8, 1), (40, 8), (128, 4)] {
        let context = Fixture.context(queryHeads: queryHeads, kvHeads: kvHeads, graphs: graphs)
        for rows in 1...40 {
          for longest in [Int32(1), 2, 9] {
            let queries = Array(repeating: Int32(1), count: rows - 1) + [longest]
            let batch = Fixture.launched(queries: queries, in: context)
            #expect(
              restated.choose(for: batch, in: context) == release.choose(for: batch, in: context))
          }
        }
      }
    }
  }
}
