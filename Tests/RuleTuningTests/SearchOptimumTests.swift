import KernelSelection
import RuleTuning
import StepTiming
import Testing
import TraceModel

@Suite("The search finds the best there is")
struct SearchOptimumTests {
  /// Batches whose times follow nothing, so that only trying everything tells the best rule.
  private static func table(seed: UInt64) -> BatchTable {
    var draws = Draws(seed: seed)
    return Traffic.decode(rows: [1, 2, 4, 8], lengths: [512, 1024, 2048, 4096]) { _ in
      [Int64(50 + draws.next(below: 200)), Int64(50 + draws.next(below: 200))]
    }
  }

  /// Every bound between two values that occur.
  private static func conditions(_ quantity: RuleQuantity, _ bounds: [Double]) -> [[RuleCondition]]
  {
    [[]]
      + bounds.flatMap { bound in
        [[.number(quantity, .atMost, bound)], [.number(quantity, .above, bound)]]
      }
  }

  @Test("of one condition with two thresholds, in each of twenty tables", arguments: 1...20)
  func thresholds(seed: Int) throws {
    let table = Self.table(seed: UInt64(seed))
    let tuner = RuleTuner(
      form: .thresholds(rules: 1), quantities: [.rows, .maxKVLength], variants: Traffic.variants)
    let found = Traffic.cost(
      of: try tuner.rule(for: [table], name: "tuned", source: "test"), on: table)
    var best = Int64.max
    for a in Self.conditions(.rows, [1, 2, 4]) {
      for b in Self.conditions(.maxKVLength, [512, 1024, 2048]) {
        for (inside, outside) in [
          (KernelVariant.triton2D, KernelVariant.triton3D16), (.triton3D16, .triton2D),
          (.triton2D, .triton2D), (.triton3D16, .triton3D16),
        ] {
          let rule = RulePolicy(
            name: "tried", source: "test", rules: [.init(when: a + b, use: inside)],
            default: outside)
          best = min(best, Traffic.cost(of: rule, on: table))
        }
      }
    }
    // A threshold must save its share of all time, so the rule may lose that much to the best.
    #expect(Double(found) <= Double(best) * (1 + 2 * TuningLimits.gainMin), "\(found) \(best)")
  }

  @Test("of two questions one after another, in each of twenty tables", arguments: 1...20)
  func trees(seed: Int) throws {
    let table = Self.table(seed: UInt64(seed))
    let tuner = RuleTuner(
      form: .tree(depth: 2), quantities: [.rows, .maxKVLength], variants: Traffic.variants)
    let found = Traffic.cost(
      of: try tuner.rule(for: [table], name: "tuned", source: "test"), on: table)
    let best = Self.bestTree(table)
    #expect(Double(found) <= Double(best) * (1 + 3 * TuningLimits.gainMin), "\(found) \(best)")
  }

  /// The least cost of any tree of depth two, by trying all.
  private static func bestTree(_ table: BatchTable) -> Int64 {
    func best(_ batches: [Int], depth: Int) -> Int64 {
      var least =
        table.variants.indices.map { variant in
          batches.reduce(0) { $0 + (table.time(batch: $1, variant: variant)?.rawValue ?? 0) }
        }.min() ?? 0
      guard depth > 0 else { return least }
      for (quantity, bounds) in [
        (RuleQuantity.rows, [1.0, 2, 4]), (.maxKVLength, [512.0, 1024, 2048]),
      ] {
        for bound in bounds {
          let isBelow = {
            quantity.value(for: table.summaries[$0], in: table.context) <= bound
          }
          let (low, high) = (batches.filter(isBelow), batches.filter { !isBelow($0) })
          guard !low.isEmpty, !high.isEmpty else { continue }
          least = min(least, best(low, depth: depth - 1) + best(high, depth: depth - 1))
        }
      }
      return least
    }
    return best(Array(table.summaries.indices), depth: 2)
  }

  @Test("whatever order the batches come in", arguments: ["tree:3", "thresholds:2", "table"])
  func order(form: String) throws {
    let table = Self.table(seed: 7)
    let tuner = RuleTuner(form: try #require(RuleForm(form)), variants: Traffic.variants)
    let rule = try tuner.rule(for: [table], name: "tuned", source: "test")
    let halves = [table.selecting(64..<table.count), table.selecting(0..<64)]
    #expect(try tuner.rule(for: halves, name: "tuned", source: "test") == rule)
  }
}
