import Metrics
import StepTiming
import TraceModel

extension ReplayReport {
  /// Which rule is the fastest by mean ITL, by how much, and where the other loses; nothing where there
  /// is but one rule.
  func answerText(_ labels: PolicyLabels) -> String {
    guard knowsGaps else { return "" }
    let rules = policies.indices.filter { !Self.isOracle(policies[$0].name) }
    guard rules.count > 1, let best = rules.min(by: { isFaster($0, $1) }),
      let ranking = rankingSentence(best, rules, labels)
    else { return "" }
    let more = [rescheduledSentence(best), lossSentence(labels)].compactMap(\.self)
    let sentences = [ranking] + more
    let lines = TextLines.wrapped(
      sentences.joined(separator: " "), width: TextLines.width - 9)
    return "answer   " + lines.joined(separator: "\n         ") + "\n"
  }

  private func isFaster(_ a: Int, _ b: Int) -> Bool {
    let (one, other) = (policies[a], policies[b])
    guard let first = one.itl?.mean, let second = other.itl?.mean else {
      return (one.ttft?.mean ?? 0, a) < (other.ttft?.mean ?? 0, b)
    }
    return (first, a) < (second, b)
  }

  private func rankingSentence(
    _ best: Int, _ rules: [Int], _ labels: PolicyLabels
  ) -> String? {
    let metric: PolicyComparison.Metric = policies[best].itl == nil ? .ttft : .itl
    let others = rules.filter { $0 != 0 }
    guard let other = best == 0 ? others.min(by: { isFaster($0, $1) }) : best,
      let means = means(metric, of: other)
    else { return nil }
    let size = "mean \(metric.label) \(Self.words(means.own / means.first - 1))"
    let comparison = comparisons.first { $0.policy == policies[other].name && $0.metric == metric }
    switch comparison?.verdict {
    case .same?:
      let same = "\(labels[other]) and \(labels[0]) take the same time"
      return rules.count > 2 ? same + "; no rule here is faster." : same + "."
    case .insideFloor?:
      return
        "No rule here is faster than \(labels[0]) beyond what real runs differ by and predictions are off "
        + "by: \(labels[other]) has a \(size)."
    case .unclear?:
      let interval = comparison.map { " " + Self.interval($0.difference) } ?? ""
      return
        "No rule here is certain to be faster than \(labels[0]): requests differ, and \(labels[other]) "
        + "has a \(size)\(interval)."
    case .faster?, .slower?, nil:
      guard best != 0 else {
        return "\(labels[0]) is the fastest rule here: the next, \(labels[other]), has a \(size)."
      }
      let interval =
        comparison.map { Self.interval($0.difference) } ?? "(too few requests for an interval)"
      return "\(labels[best]) is the fastest rule here: \(size) than \(labels[0]) \(interval)"
        + "\(ttftWords(best))."
    }
  }

  /// A policy's mean and the first one's; `nil` where one has none.
  private func means(
    _ metric: PolicyComparison.Metric, of policy: Int
  ) -> (own: Double, first: Double)? {
    guard let own = policies[policy].distribution(metric)?.mean,
      let first = policies[0].distribution(metric)?.mean, first > 0
    else { return nil }
    return (own, first)
  }

  private static func interval(_ difference: PairedDifference) -> String {
    "(95 % from \(NumberText.signedPercent(difference.relativeLow)) to "
      + "\(NumberText.signedPercent(difference.relativeHigh)))"
  }

  private func ttftWords(_ best: Int) -> String {
    guard policies[best].itl != nil, let means = means(.ttft, of: best) else { return "" }
    return ", mean TTFT " + Self.words(means.own / means.first - 1)
  }

  /// What the same rule gains where a faster engine meets other batches.
  private func rescheduledSentence(_ best: Int) -> String? {
    let mean = Statistic(.itl, .mean)
    guard best != 0, !rescheduled.isEmpty, let own = rescheduled[best].value(mean),
      let first = rescheduled[0].value(mean), first > 0,
      let recorded = means(.itl, of: best),
      Self.words(own / first - 1) != Self.words(recorded.own / recorded.first - 1)
    else { return nil }
    return
      "With batches rescheduled, as a faster engine would meet them: mean ITL \(Self.words(own / first - 1))."
  }

  /// Which kind of batch carries most of what the first policy loses against the fastest kernels.
  private func lossSentence(_ labels: PolicyLabels) -> String? {
    guard !Self.isOracle(policies[0].name), policies.contains(where: { Self.isOracle($0.name) }),
      let attribution = attributions[0],
      attribution.all.regret > .zero, let group = attribution.groups.first?.class
    else { return nil }
    let share = NumberText.percent(
      group.regret.seconds / attribution.all.regret.seconds, places: 0)
    let fastest = group.attention - group.regret
    let ratio =
      fastest > .zero
      ? NumberText.fixed(group.attention.seconds / fastest.seconds, places: 2) + " times"
      : "many times"
    return
      "\(share) of what \(labels[0]) loses against the fastest kernels is lost in \(group.name), "
      + "where its attention takes \(ratio) as long."
  }

  private static func words(_ share: Double) -> String {
    "\(NumberText.percent(share.magnitude)) " + (share < 0 ? "less" : "more")
  }
}
