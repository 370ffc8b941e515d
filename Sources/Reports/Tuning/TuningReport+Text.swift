import KernelSelection
import Metrics
import RuleTuning
import StepTiming
import TraceModel

extension TuningReport {
  /// The report for reading: how the rule does, the rule as a table, as a rule file, as Python.
  public func text() -> String {
    [
      headingText, judgedText, ruleText,
      "As a rule file, for 'reprise replay --rule'\n\n" + Self.indented(yaml),
      "As a Python function, for a pull request\n\n" + Self.indented(python),
    ].joined(separator: "\n")
  }

  private var headingText: String {
    var facts = [
      (
        "form",
        "\(form.name) over \(tuner.quantities.map(\.rawValue).joined(separator: ", ")); choosing among "
          + tuner.variants.map(\.name).joined(separator: ", ")
      )
    ]
    for (index, traffic) in training.enumerated() {
      facts.append(
        (
          index == 0 ? "tuned on" : "",
          "\(traffic.name): \(NumberText.grouped(traffic.table.count)) batches, \(traffic.batches)"
        ))
    }
    facts.append(("timing", timing))
    facts += notes.map { ("note", $0) }
    return facts.map { name, words in
      let lines = TextLines.wrapped(words, width: TextLines.width - 10)
      let padding = String(repeating: " ", count: 10 - name.count)
      return name + padding + lines.joined(separator: "\n          ") + "\n"
    }.joined()
  }

  private var judgedText: String {
    let reference = judged.first?.rules.first?.name ?? ""
    return judged.map { judged in
      var table = TextTable([
        ("", .left), ("attention s", .right), ("over fastest", .right), ("95 % from", .right),
        ("to", .right), ("worst", .right), ("vs \(reference)", .right), ("95 % from", .right),
        ("to", .right),
      ])
      let fastest = judged.rules[0].fastest
      table.add(["fastest", NumberText.fixed(fastest.seconds, places: 3), "", "", "", "1.00 x"])
      for rule in judged.rules {
        table.add(
          [rule.name, NumberText.fixed(rule.attention.seconds, places: 3)]
            + Self.relative(rule.overFastest)
            + [NumberText.fixed(rule.worstRatio, places: 2) + " x"]
            + Self.relative(rule.overReference))
      }
      let batches = judged.rules[0].batches
      let heading =
        "Judged on \(judged.trace): \(judged.part.rawValue), \(NumberText.grouped(batches)) batches"
      let lines = TextLines.wrapped(heading, width: TextLines.width)
      return lines.joined(separator: "\n") + "\n" + table.text()
    }.joined(separator: "\n")
  }

  /// A relative difference with its interval; empty where there is none.
  private static func relative(_ difference: PairedDifference?) -> [String] {
    guard let difference else { return ["", "", ""] }
    return [difference.relative, difference.relativeLow, difference.relativeHigh]
      .map { NumberText.signedPercent($0) }
  }

  private var ruleText: String {
    var table = TextTable([
      ("the rule: first that holds", .left), ("runs", .left), ("batches", .right),
      ("attention s", .right), ("over fastest", .right),
    ])
    for (line, use) in uses.enumerated() {
      let isDefault = line == rule.rules.count
      let conditions = isDefault ? "otherwise" : RuleWords.text(rule.rules[line].conditions)
      let fastest = use.attention - use.regret
      table.add([
        conditions, (isDefault ? rule.defaultVariant : rule.rules[line].variant).name,
        NumberText.grouped(use.batches), NumberText.fixed(use.attention.seconds, places: 3),
        fastest > .zero ? NumberText.signedPercent(use.regret.seconds / fastest.seconds) : "-",
      ])
    }
    return table.text()
  }

  private static func indented(_ text: String) -> String {
    text.split(separator: "\n", omittingEmptySubsequences: false)
      .map { $0.isEmpty ? "" : "    " + $0 }.joined(separator: "\n")
  }
}
