import StepTiming
import TraceModel

extension ReplayReport {
  /// Which kinds of batches lose against the fastest known variant, by policy; nothing where no policy
  /// does, or the fastest was not asked for.
  func regretText(_ labels: PolicyLabels) -> String {
    guard policies.contains(where: { Self.isOracle($0.name) }) else { return "" }
    var table = TextTable([
      ("above the fastest", .left), ("steps", .right), ("regret s", .right), ("over", .right),
      ("TTFT ms", .right), ("ITL ms", .right), ("95 % from", .right), ("to", .right),
    ])
    var most: [String] = []
    for (index, attribution) in attributions.enumerated() {
      guard let attribution, attribution.all.regret > .zero else { continue }
      let all = attribution.all
      if !most.isEmpty { table.addBreak() }
      table.add([labels[index]] + Self.cells(all))
      for entry in attribution.breakdowns.first?.classes ?? [] where entry.regret > .zero {
        table.add(["  " + entry.name] + Self.cells(entry))
      }
      if let group = attribution.groups.first?.class {
        let share = NumberText.percent(group.regret.seconds / all.regret.seconds)
        most.append("\(labels[index]): \(share) of it in \(group.name)")
      }
    }
    guard !most.isEmpty else { return "" }
    return table.text()
      + most.map { line in
        TextLines.wrapped(line, width: TextLines.width).joined(separator: "\n") + "\n"
      }.joined()
  }

  /// Whether a policy is the fastest of a set, by its name.
  public static func isOracle(_ policy: String) -> Bool {
    policy == "fastest" || policy.hasPrefix("fastest:")
  }

  private static func cells(_ entry: RegretAttribution.Class) -> [String] {
    [
      NumberText.grouped(entry.steps), NumberText.fixed(entry.regret.seconds, places: 3),
      entry.over,
    ] + entry.latencyCells
  }
}
