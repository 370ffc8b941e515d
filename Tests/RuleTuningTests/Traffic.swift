import KernelSelection
import StepTiming
import TraceModel

/// Batches and times made up by formulas, for rules that are known beforehand.
enum Traffic {
  static let context = AttentionContext(
    queryHeads: 32, kvHeads: 8, headSize: 128, smCount: 132,
    graphs: CUDAGraphs(mode: .none, captureSizes: []))
  static let variants: [KernelVariant] = [.triton2D, .triton3D16]

  /// Microseconds of a batch under each variant; `nil` where it cannot run.
  typealias Times = (BatchSummary) -> [Int64?]

  /// Decode batches over a grid of rows and lengths, one row `skew` times as long as the others.
  static func decode(
    rows: [Int], lengths: [Int32], skews: [Int32] = [1], copies: Int = 8, times: Times
  ) -> BatchTable {
    var table = BatchTable(variants: variants, context: context)
    for count in rows {
      for length in lengths {
        for skew in skews {
          var batch = AttentionBatch()
          for _ in 1..<max(count, 1) { batch.append(queryLength: 1, kvLength: length) }
          batch.append(queryLength: 1, kvLength: length * skew)
          for _ in 0..<copies { add(batch, to: &table, times) }
        }
      }
    }
    return table
  }

  /// Adds batches with a prompt of some tokens beside a decode row.
  static func addPrompts(of tokens: [Int32], to table: inout BatchTable, times: Times) {
    for count in tokens {
      var batch = AttentionBatch()
      batch.append(queryLength: 1, kvLength: 500)
      batch.append(queryLength: count, kvLength: count)
      for _ in 0..<8 { add(batch, to: &table, times) }
    }
  }

  private static func add(_ batch: AttentionBatch, to table: inout BatchTable, _ times: Times) {
    table.append(
      batch.summary,
      times: times(batch.summary).map { time in time.map { Nanoseconds($0 * 1_000) } })
  }

  /// The time of a rule on a table, in nanoseconds; a batch that it cannot run counts as an hour.
  static func cost(of rule: RulePolicy, on table: BatchTable) -> Int64 {
    table.summaries.indices.reduce(0) { sum, batch in
      guard
        case .variant(let variant) = rule.choose(
          for: table.summaries[batch], in: table.context),
        let place = table.variants.firstIndex(of: variant),
        let time = table.time(batch: batch, variant: place)
      else { return sum + 3_600_000_000_000 }
      return sum + time.rawValue
    }
  }

  /// The least that any choice costs on a table.
  static func leastCost(on table: BatchTable) -> Int64 {
    table.summaries.indices.reduce(0) { sum, batch in
      let best = table.fastest(batch: batch, among: table.variants.indices)
      return sum + (best.flatMap { table.time(batch: batch, variant: $0) }?.rawValue ?? 0)
    }
  }
}

/// Numbers that look drawn and are the same everywhere.
struct Draws {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next(below bound: Int) -> Int {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Int((state >> 33) % UInt64(bound))
  }
}
