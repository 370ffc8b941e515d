import KernelSelection
import RuleTuning
import StepTiming
import Testing

@Suite("A rule is tuned")
struct RuleTunerTests {
  /// Split-KV pays up to 24 rows, and up to 64 where the longest row has more than 4,096 tokens.
  private static func planted(_ batch: BatchSummary) -> [Int64?] {
    let splits =
      batch.isSingleTokenOnly
      && (batch.rows <= 24 || batch.rows <= 64 && batch.maxKVLength > 4096)
    return [splits ? 200 : 100, splits ? 100 : 200]
  }

  private let traffic = Traffic.decode(
    rows: [1, 4, 8, 16, 24, 32, 48, 64, 96, 128], lengths: [300, 1000, 3000, 4096, 5120, 16000],
    times: Self.planted)

  @Test(
    "and finds the rule that the times were made by",
    arguments: ["tree:2", "thresholds:2", "table"])
  func plantedRule(form: String) throws {
    let tuner = RuleTuner(form: try #require(RuleForm(form)), variants: Traffic.variants)
    let rule = try tuner.rule(for: [traffic], name: "tuned", source: "test")
    #expect(Traffic.cost(of: rule, on: traffic) == Traffic.leastCost(on: traffic))
  }

  @Test("and says it in the numbers it was made by")
  func readable() throws {
    let tuner = RuleTuner(
      form: .tree(depth: 2), quantities: [.rows, .maxKVLength], variants: Traffic.variants)
    let rule = try tuner.rule(for: [traffic], name: "tuned", source: "test")
    #expect(
      rule.explanation == """
        triton-2d if any row is prefill, else triton-3d-16 if max_kv_length ≤ 4096 and rows ≤ 24, else \
        triton-2d if max_kv_length ≤ 4096, else triton-3d-16 if rows ≤ 64, else triton-2d.
        """)
  }

  @Test("from skew alone where only that tells")
  func skewed() throws {
    let table = Traffic.decode(
      rows: [32, 48], lengths: [1000, 2000, 4000], skews: [1, 2, 8, 16],
      times: { $0.skew > 3 ? [300, 100] : [100, 300] })
    let tuner = RuleTuner(
      form: .thresholds(rules: 1), quantities: [.rows, .skew], variants: Traffic.variants)
    let rule = try tuner.rule(for: [table], name: "tuned", source: "test")
    #expect(Traffic.cost(of: rule, on: table) == Traffic.leastCost(on: table))
    #expect(
      rule.rules.last?.conditions.contains {
        if case .number(.skew, _, _) = $0 { true } else { false }
      } == true)
  }

  @Test("without KV lengths where a captured graph must decide")
  func graphSafe() throws {
    let safe = RuleTuner.hostQuantities.filter(\.isKnownAtCapture)
    let tuner = RuleTuner(form: .tree(depth: 4), quantities: safe, variants: Traffic.variants)
    let rule = try tuner.rule(for: [traffic], name: "tuned", source: "test")
    for case .number(let quantity, _, _) in rule.rules.flatMap(\.conditions) {
      #expect(quantity.isKnownAtCapture, "\(quantity)")
    }
    #expect(!rule.rules.isEmpty)
  }

  @Test("and never sends prompts to a kernel that cannot run them")
  func prompts() throws {
    var table = traffic
    Traffic.addPrompts(of: [500, 8192], to: &table) { _ in [100, nil] }
    Traffic.addPrompts(of: [2, 5], to: &table) { _ in [300, 100] }
    let tuner = RuleTuner(form: .tree(depth: 2), variants: Traffic.variants)
    let rule = try tuner.rule(for: [table], name: "tuned", source: "test")
    #expect(Traffic.cost(of: rule, on: table) == Traffic.leastCost(on: table))
    let unseen = AttentionBatch(rows: [(300, 300)]).summary
    #expect(rule.choose(for: unseen, in: Traffic.context) == .variant(.triton2D))
  }

  @Test("and keeps prompts off split-KV where it has seen none")
  func unseenPrompts() throws {
    let tuner = RuleTuner(form: .tree(depth: 2), variants: [.triton3D16, .triton2D])
    let rule = try tuner.rule(for: [traffic], name: "tuned", source: "test")
    let prompt = AttentionBatch(rows: [(300, 300)]).summary
    #expect(rule.choose(for: prompt, in: Traffic.context) == .variant(.triton2D))
  }

  @Test("or not at all, where no variant runs what is there")
  func noVariant() {
    var table = traffic
    Traffic.addPrompts(of: [500], to: &table) { _ in [100, nil] }
    let tuner = RuleTuner(form: .table, variants: [.triton3D16])
    #expect(throws: TuningError.noVariantForPrompts([.triton3D16])) {
      try tuner.rule(for: [table], name: "tuned", source: "test")
    }
    let empty = BatchTable(variants: Traffic.variants, context: Traffic.context)
    #expect(throws: TuningError.noBatches(trace: "test")) {
      try tuner.rule(for: [empty], name: "tuned", source: "test")
    }
  }

  @Test("to nothing more than the best variant where nothing else is to gain")
  func nothingToGain() throws {
    let table = Traffic.decode(rows: [1, 8, 64], lengths: [100, 1000]) { _ in [100, 101] }
    let tuner = RuleTuner(form: .tree(depth: 5), variants: Traffic.variants)
    let rule = try tuner.rule(for: [table], name: "tuned", source: "test")
    #expect(rule.rules.isEmpty)
    #expect(rule.defaultVariant == .triton2D)
  }
}
