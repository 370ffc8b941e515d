import KernelSelection
import Testing

@Suite("Rules for latent caches")
struct LatentPolicyTests {
  private func splits(
    _ longest: Int32, smCount: Int = 132, graphs: CUDAGraphMode = .none,
    policy: String = "vllm-mla-0.33", maxModelLength: Int? = 163_840
  ) throws -> String {
    let context = AttentionContext(
      queryHeads: 16, kvHeads: 1, headSize: 576, kvBlockSize: 64, smCount: smCount,
      graphs: CUDAGraphs(mode: graphs, captureSizes: [1, 2]), maxModelLength: maxModelLength)
    let batch = AttentionBatch(rows: [(1, longest), (1, 1)])
    let policy = try SelectionPolicies.named(policy)
    guard case .variant(let variant) = policy.choose(for: batch.summary, in: context) else {
      return "fastest"
    }
    return variant.name
  }

  @Test("vllm-mla-0.33 has a split for each 512 tokens, a power of two, two for each SM at most")
  func today() throws {
    let table: [(Int32, Int)] = [
      (1, 1), (511, 1), (1023, 1), (1024, 2), (1536, 4), (2048, 4), (2560, 8), (16_384, 32),
      (131_072, 256), (131_584, 264), (163_840, 264),
    ]
    for (longest, count) in table { #expect(try splits(longest) == "triton-mla-\(count)") }
    #expect(try splits(163_840, smCount: 148) == "triton-mla-296")
    // 2 × 100 SMs are not listed.
    #expect(try splits(163_840, smCount: 100) == "triton-mla-156")
  }

  @Test("a step's graph has vllm-mla-0.33's splits of the longest request", arguments: [1, 16_384])
  func captured(longest: Int32) throws {
    for graphs in [CUDAGraphMode.full, .fullDecodeOnly, .fullAndPiecewise] {
      #expect(try splits(longest, graphs: graphs) == "triton-mla-264")
      #expect(try splits(longest, graphs: graphs, maxModelLength: 4096) == "triton-mla-8")
      let eager = try splits(longest, graphs: graphs, policy: "vllm-mla-0.33-eager")
      #expect(try eager == splits(longest))
      // Captured for what nobody has said.
      #expect(try splits(longest, graphs: graphs, maxModelLength: nil) == eager)
    }
    #expect(try splits(longest, graphs: .piecewise) == splits(longest))
  }

  @Test("the rules of 2025 have four splits whatever the batch")
  func constants() throws {
    let context = AttentionContext(
      queryHeads: 16, kvHeads: 1, headSize: 576, kvBlockSize: 64, smCount: 132,
      graphs: CUDAGraphs(mode: .none, captureSizes: []))
    #expect(context.isLatent)
    let batch = AttentionBatch(rows: [(1, 100_000)]).summary
    for (name, variant) in [
      ("vllm-mla-4-splits", "triton-mla-2025-4"), ("vllm-19774", "triton-mla-pages-4"),
    ] {
      let policy = try SelectionPolicies.named(name)
      #expect(policy.choose(for: batch, in: context) == .variant(policy.variants[0]))
      #expect(policy.variants.map(\.name) == [variant])
    }
  }

  @Test("names of latent variants are read back")
  func names() {
    for name in ["triton-mla-1", "triton-mla-264", "triton-mla-2025-4", "triton-mla-pages-32"] {
      #expect(KernelVariant(name: name)?.name == name)
    }
    #expect(KernelVariant(name: "triton-mla-32")?.family == .tritonMLA)
    for name in ["triton-mla", "triton-mla-0", "triton-mla-2025", "triton-mla-04", "triton-mla-x"] {
      #expect(KernelVariant(name: name) == nil, "\(name)")
    }
  }
}
