public import KernelSelection
public import Metrics
public import StepTiming
public import TraceModel

/// Attention time of a rule on some batches beside the oracle's and another rule's.
public struct RuleJudgement: Sendable {
  /// The rule's name.
  public var name: String
  /// Batches judged.
  public var batches: Int
  /// Attention under the rule.
  public var attention: Nanoseconds
  /// Attention of the fastest variant for each batch.
  public var fastest: Nanoseconds
  /// The rule against the fastest, over batches; `nil` for too few batches.
  public var overFastest: PairedDifference?
  /// The rule against the reference, over batches; `nil` for the reference itself.
  public var overReference: PairedDifference?
  /// The most that a batch took under the rule, over the fastest; 1 without batches.
  public var worstRatio: Double

  /// Attention above the fastest.
  public var regret: Nanoseconds { attention - fastest }
}

extension RuleJudgement {
  /// Judges rules on the batches of a table that pass a test; the first of them is the reference.
  ///
  /// - `oracle`: variants that the fastest is taken from
  /// - `seed`: of the intervals, which are drawn over blocks of consecutive batches
  public static func all(
    of rules: [any SelectionPolicy], on table: BatchTable, oracle: [KernelVariant], seed: UInt64,
    where passes: (BatchSummary) -> Bool = { _ in true }
  ) throws(TuningError) -> [RuleJudgement] {
    let places = table.summaries.indices.filter { passes(table.summaries[$0]) }
    let oraclePlaces = oracle.compactMap { table.variants.firstIndex(of: $0) }
    var fastest: [Double] = []
    for batch in places {
      guard let best = table.fastest(batch: batch, among: oraclePlaces),
        let time = table.time(batch: batch, variant: best)
      else {
        throw .cannotRun(
          rule: "fastest", variant: oracle.map(\.name).joined(separator: ","),
          batch: words(table.summaries[batch]))
      }
      fastest.append(time.milliseconds)
    }
    var judgements: [RuleJudgement] = []
    var reference: [Double] = []
    for rule in rules {
      let times = try Self.times(of: rule, on: table, places: places, oracle: oraclePlaces)
      judgements.append(
        RuleJudgement(
          name: rule.name, batches: places.count, attention: sum(times), fastest: sum(fastest),
          overFastest: .bootstrap(a: fastest, b: times, seed: seed),
          overReference: judgements.isEmpty
            ? nil : .bootstrap(a: reference, b: times, seed: seed),
          worstRatio: zip(times, fastest).reduce(1) { $1.1 > 0 ? max($0, $1.0 / $1.1) : $0 }))
      if judgements.count == 1 { reference = times }
    }
    return judgements
  }

  private static func times(
    of rule: any SelectionPolicy, on table: BatchTable, places: [Int], oracle: [Int]
  ) throws(TuningError) -> [Double] {
    var times: [Double] = []
    for batch in places {
      let summary = table.summaries[batch]
      var place: Int?
      var name = "the fastest"
      switch rule.choose(for: summary, in: table.context) {
      case .variant(let variant):
        place = table.variants.firstIndex(of: variant)
        name = variant.name
      case .fastest:
        let own = rule.variants.compactMap { table.variants.firstIndex(of: $0) }
        place = table.fastest(batch: batch, among: own.isEmpty ? oracle : own)
      }
      guard let place, let time = table.time(batch: batch, variant: place) else {
        throw .cannotRun(rule: rule.name, variant: name, batch: words(summary))
      }
      times.append(time.milliseconds)
    }
    return times
  }

  private static func sum(_ milliseconds: [Double]) -> Nanoseconds {
    Nanoseconds(Int64((milliseconds.reduce(0, +) * 1e6).rounded()))
  }

  private static func words(_ batch: BatchSummary) -> String {
    "\(batch.rows) rows, \(batch.multiTokenRows) of them with several tokens"
  }
}
