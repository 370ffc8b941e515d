import Metrics
import StepTiming
import TraceModel

extension ReplayReport {
  /// Which rule is the fastest by mean ITL, by how much, and where the first loses; nothing where there is but
  /// one rule.
  func answerText(_ labels: PolicyLabels) -> String {
    guard knowsGaps, let standing else { return "" }
    let sentences = [
      standing.isOpen ? openSentence(standing, labels) : fastestSentence(standing, labels),
      rescheduledSentence(standing), lossSentence(labels),
    ].compactMap(\.self)
    let lines = TextLines.wrapped(
      sentences.joined(separator: " "), width: TextLines.width - 9)
    return "answer   " + lines.joined(separator: "\n         ") + "\n"
  }

  /// Which rules are faster than others, and by how much than one of those.
  private func fastestSentence(_ standing: RuleStanding, _ labels: PolicyLabels) -> String {
    let names = standing.fastest.map { labels[$0] }
    let likeness = standing.areIdentical ? "alike" : "too close to tell apart"
    let who =
      names.count == 1
      ? "\(names[0]) is the fastest rule here"
      : names.dropLast().joined(separator: ", ") + " and \(names[names.count - 1]) are the fastest "
        + "rules here, \(likeness)"
    let interval =
      standing.difference.map(Self.interval) ?? "(too few requests for an interval)"
    return "\(who): \(size(standing)) than \(labels[standing.base]) \(interval)"
      + "\(ttftWords(standing))."
  }

  /// Why no rule is called the fastest.
  private func openSentence(_ standing: RuleStanding, _ labels: PolicyLabels) -> String {
    let (best, base) = (labels[standing.best], labels[standing.base])
    switch standing.verdict {
    case .same:
      let same = "\(best) and \(base) take the same time"
      return standing.fastest.count > 2 ? same + "; no rule here is faster." : same + "."
    case .insideFloor:
      return
        "No rule here is faster than \(base) beyond what real runs differ by and predictions are off "
        + "by: \(best) has a \(size(standing))."
    case .unclear, .faster, .slower:
      let interval = standing.difference.map { " " + Self.interval($0) } ?? ""
      return
        "No rule here is certain to be faster than \(base): requests differ, and \(best) "
        + "has a \(size(standing))\(interval)."
    }
  }

  private func size(_ standing: RuleStanding) -> String {
    "mean \(standing.metric.label) \(Self.words(standing.share))"
  }

  private static func interval(_ difference: PairedDifference) -> String {
    "(95 % from \(NumberText.signedPercent(difference.relativeLow)) to "
      + "\(NumberText.signedPercent(difference.relativeHigh)))"
  }

  private func ttftWords(_ standing: RuleStanding) -> String {
    guard standing.metric == .itl, let own = policies[standing.best].ttft?.mean,
      let base = policies[standing.base].ttft?.mean, base > 0
    else { return "" }
    return ", mean TTFT " + Self.words(own / base - 1)
  }

  /// What the same rule gains where a faster engine meets other batches.
  private func rescheduledSentence(_ standing: RuleStanding) -> String? {
    let mean = Statistic(.itl, .mean)
    guard standing.metric == .itl, !rescheduled.isEmpty,
      let own = rescheduled[standing.best].value(mean),
      let base = rescheduled[standing.base].value(mean), base > 0,
      Self.words(own / base - 1) != Self.words(standing.share)
    else { return nil }
    return
      "With batches rescheduled, as a faster engine would meet them: mean ITL \(Self.words(own / base - 1))."
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
