import KernelSelection
import Testing

@Suite("The list of selection policies")
struct SelectionPoliciesTests {
  @Test("holds the names that the command line promises, each readable back")
  func names() throws {
    #expect(
      SelectionPolicies.all.map(\.name) == [
        "always-2d", "always-3d", "vllm-0.9.2", "vllm-0.13", "vllm-0.33", "split-up-to:16",
        "flash-attention-3", "flashinfer", "vllm-mla-4-splits", "vllm-19774", "vllm-mla-0.33",
        "vllm-mla-0.33-eager", "fastest",
      ])
    for policy in SelectionPolicies.all {
      #expect(try SelectionPolicies.named(policy.name).name == policy.name)
      #expect(!policy.explanation.isEmpty && policy.explanation.hasSuffix("."))
      #expect(!policy.source.isEmpty)
    }
  }

  @Test("has policies that choose only among the variants they list")
  func choicesAreListed() {
    let contexts = [
      Fixture.context(), Fixture.context(graphs: Fixture.graphs),
      Fixture.context(queryHeads: 128, kvHeads: 1),
    ]
    let batches: [[Int32]] = [[], [1], [1, 1, 3], Array(repeating: 1, count: 200), [4096, 1]]
    for policy in SelectionPolicies.all {
      for context in contexts {
        for queries in batches {
          switch policy.choose(
            for: Fixture.launched(queries: queries, in: context), in: context)
          {
          case .variant(let variant): #expect(policy.variants.contains(variant))
          case .fastest: #expect(policy.name.hasPrefix("fastest"))
          }
        }
      }
    }
  }

  @Test("gives constant policies one variant, and never splits multi-token rows with always-3d")
  func constants() throws {
    let context = Fixture.context()
    let decode = Fixture.decode(200, in: context)
    let mixed = Fixture.launched(queries: [1, 2], in: context)
    let table = [
      ("always-2d", "triton-2d", "triton-2d"), ("always-3d", "triton-3d-16", "triton-2d"),
      ("flash-attention-3", "flash-attention-3", "flash-attention-3"),
      ("flashinfer", "flashinfer", "flashinfer"), ("fastest", "fastest", "fastest"),
    ]
    for (name, onDecode, onMixed) in table {
      let policy = try SelectionPolicies.named(name)
      #expect(policy.choiceName(decode, context) == onDecode)
      #expect(policy.choiceName(mixed, context) == onMixed)
    }
  }

  @Test("runs any rule over the kernels of an installed package")
  func packaged() throws {
    let context = Fixture.context()
    let decode = Fixture.decode(4, in: context)
    let mixed = Fixture.launched(queries: [1, 200], in: context)
    let rule = try SelectionPolicies.named("vllm-0.33@vllm-0.24.0")
    #expect(rule.name == "vllm-0.33@vllm-0.24.0")
    #expect(rule.choiceName(decode, context) == "vllm-0.24.0/triton-3d-16")
    #expect(rule.choiceName(mixed, context) == "vllm-0.24.0/triton-2d")
    #expect(rule.variants.map(\.package) == ["vllm-0.24.0", "vllm-0.24.0"])
    let set = try SelectionPolicies.named("fastest:triton-2d,vllm-0.24.0/flash-attention-3")
    #expect(set.variants.map(\.name) == ["triton-2d", "vllm-0.24.0/flash-attention-3"])
    for name in ["always-2d@", "always-2d@a/b", "none@vllm-0.24.0", "fastest:/triton-2d"] {
      #expect(throws: SelectionError.self) { try SelectionPolicies.named(name) }
    }
  }

  @Test("splits up to the rows that a name gives, padding included")
  func splitUpTo() throws {
    let context = Fixture.context(graphs: Fixture.graphs)
    #expect(try SelectionPolicies.named("split-up-to:0").lastSplitRows(in: context) == 0)
    #expect(try SelectionPolicies.named("split-up-to:23").lastSplitRows(in: context) == 16)
    #expect(try SelectionPolicies.named("split-up-to:24").lastSplitRows(in: context) == 24)
    #expect(try SelectionPolicies.named("split-up-to:0032").name == "split-up-to:32")
  }

  @Test("lets the oracle's set be named")
  func oracleSet() throws {
    #expect(
      try SelectionPolicies.named("fastest").variants.map(\.name) == ["triton-2d", "triton-3d-16"])
    let policy = try SelectionPolicies.named("fastest:triton-2d,flash-attention-3,triton-2d")
    #expect(policy.variants.map(\.name) == ["triton-2d", "flash-attention-3"])
    #expect(policy.name == "fastest:triton-2d,flash-attention-3")
    #expect(try SelectionPolicies.named("fastest:triton-2d,triton-3d-16").name == "fastest")
  }

  @Test("answers an unknown name with the known ones and the nearest")
  func unknownNames() {
    let known =
      "always-2d, always-3d, vllm-0.9.2, vllm-0.13, vllm-0.33, split-up-to:N, flash-attention-3, "
      + "flashinfer, vllm-mla-4-splits, vllm-19774, vllm-mla-0.33, vllm-mla-0.33-eager, fastest, "
      + "fastest:VARIANT,…, POLICY@PACKAGE"
    let table = [
      (
        "vllm-0.34",
        "unknown selection policy 'vllm-0.34' (did you mean 'vllm-0.33'?); known are \(known)"
      ),
      ("zzzzzzzz", "unknown selection policy 'zzzzzzzz'; known are \(known)"),
      ("", "unknown selection policy ''; known are \(known)"),
      ("a\nb", "unknown selection policy 'a\\u{a}b'; known are \(known)"),
      (
        "always2d",
        "unknown selection policy 'always2d' (did you mean 'always-2d'?); known are \(known)"
      ),
      (
        "fastest:triton-2d,triton-3d",
        "unknown kernel variant 'triton-3d' in policy 'fastest:triton-2d,triton-3d' (did you mean "
          + "'triton-2d'?); known are triton-2d, triton-3d-N with N from 2 to 128 segments, "
          + "flash-attention-3, flashinfer, triton-mla-N, triton-mla-2025-N and triton-mla-pages-N "
          + "with N from 1 to 1024 splits"
      ),
    ]
    for (name, message) in table {
      #expect(throws: SelectionError.self) { try SelectionPolicies.named(name) }
      do throws(SelectionError) {
        _ = try SelectionPolicies.named(name)
      } catch {
        #expect(error.message == message)
      }
    }
    for name in [
      "split-up-to", "split-up-to:", "split-up-to:-1", "split-up-to:x", "split-up-to:+3",
    ] {
      #expect(
        throws: SelectionError(
          .invalidArgument(expected: "a number of rows after the colon, such as split-up-to:32"),
          name: name)
      ) { try SelectionPolicies.named(name) }
    }
    #expect(throws: SelectionError(.unknownVariant(""), name: "fastest:")) {
      try SelectionPolicies.named("fastest:")
    }
  }
}
