import Metrics

/// Which rule of a replay is the fastest by mean ITL, and which others cannot be told from it.
///
/// Mean TTFT decides where no rule has an ITL.
struct RuleStanding: Sendable {
  /// What decides.
  let metric: PolicyComparison.Metric
  /// The fastest rule, by its place among the policies.
  let best: Int
  /// Every rule that is as fast as far as can be told, the fastest among them, in the order asked for.
  let fastest: [Int]
  /// Whether all of those have the same times.
  let areIdentical: Bool
  /// Whether no rule can be told from the fastest.
  let isOpen: Bool
  /// What the fastest is held against: the first rule asked for or, where that is as fast, the next.
  ///
  /// One that can be told from the fastest, unless none can.
  let base: Int
  /// The fastest rule's mean over that one's, less 1.
  let share: Double
  /// What that amounts to.
  let verdict: PolicyComparison.Verdict
  /// The same with its interval; `nil` for too few requests.
  let difference: PairedDifference?

  /// The standing of all rules; `nil` where fewer than two have times.
  init?(_ outcomes: [PolicyOutcome], seed: UInt64, floor: NoiseFloor?) {
    let metric = outcomes.contains { $0.summary.itl != nil } ? PolicyComparison.Metric.itl : .ttft
    let rules = outcomes.indices.compactMap { place -> (place: Int, mean: Double)? in
      guard !ReplayReport.isOracle(outcomes[place].name),
        let mean = outcomes[place].summary.distribution(metric)?.mean, mean > 0
      else { return nil }
      return (place, mean)
    }.sorted { ($0.mean, $0.place) < ($1.mean, $1.place) }
    guard let best = rules.first else { return nil }
    let contests = rules.dropFirst().map { rule in
      Contest(
        outcomes[best.place], against: outcomes[rule.place], place: rule.place,
        share: best.mean / rule.mean - 1, difference: best.mean - rule.mean, metric, seed, floor)
    }
    let lost = contests.filter { $0.verdict == .faster }
    let tied = contests.filter { $0.verdict != .faster }
    let candidates = lost.isEmpty ? contests : lost
    let first = rules.map(\.place).min()
    guard let held = candidates.first(where: { $0.place == first }) ?? candidates.first else {
      return nil
    }
    self.metric = metric
    self.best = best.place
    fastest = (tied.map(\.place) + [best.place]).sorted()
    areIdentical = tied.allSatisfy { $0.verdict == .same }
    isOpen = lost.isEmpty
    base = held.place
    share = held.share
    verdict = held.verdict
    difference = held.comparison?.difference
  }

  /// The fastest rule against another.
  private struct Contest {
    let place: Int
    let share: Double
    let comparison: PolicyComparison?
    let verdict: PolicyComparison.Verdict

    init(
      _ best: PolicyOutcome, against other: PolicyOutcome, place: Int, share: Double,
      difference: Double, _ metric: PolicyComparison.Metric, _ seed: UInt64, _ floor: NoiseFloor?
    ) {
      self.place = place
      self.share = share
      comparison = PolicyComparison(metric, of: best, against: other, seed: seed, floor: floor)
      verdict =
        comparison?.verdict
        ?? PolicyComparison.Verdict(
          difference: difference,
          floor: PolicyComparison.halfWidth(of: Statistic(metric, .mean), best, other, floor))
    }
  }
}

extension PolicyComparison.Verdict {
  /// What a difference of means amounts to where too few requests have times for an interval.
  fileprivate init(difference: Double, floor: Double?) {
    if difference == 0 {
      self = .same
    } else if let floor, difference.magnitude <= floor {
      self = .insideFloor
    } else {
      self = difference < 0 ? .faster : .slower
    }
  }
}
