import KernelSelection
import Metrics
import StepTiming
import TraceModel

extension RegretReport {
  /// The report for reading; `worst` batches are listed at its end.
  public func text(worst count: Int) -> String {
    ([headingText, answerText] + attribution.breakdowns.map(text) + [groupText, worstText(count)])
      .filter { !$0.isEmpty }.joined(separator: "\n")
  }

  private var headingText: String {
    var facts = [
      ("trace", trace.name), ("engine", engine), ("batches", batches.rawValue),
      ("timing", "\(timing.source.rawValue): \(timing.attention)"),
      ("policy", "\(policy), against \(other) on the same batches"),
    ]
    facts += notes.map { ("note", $0) }
    return facts.map { name, words in
      let lines = TextLines.wrapped(words, width: TextLines.width - 9)
      let padding = String(repeating: " ", count: 9 - name.count)
      return name + padding + lines.joined(separator: "\n         ") + "\n"
    }.joined()
  }

  private var answerText: String {
    let all = attribution.all
    let fastest = all.attention - all.regret
    let answer = """
      \(NumberText.fixed(all.regret.seconds, places: 3)) s above \(other)'s \
      \(NumberText.fixed(fastest.seconds, places: 3)) s of attention: \(attribution.overWords), in \
      \(NumberText.grouped(attribution.slowerSteps)) of \(NumberText.grouped(all.steps)) steps
      """
    let lines = TextLines.wrapped(answer, width: TextLines.width - 9)
    var words = "regret   " + lines.joined(separator: "\n         ") + "\n"
    var table = TextTable([
      ("ms", .left), (policy, .right), (other, .right), ("difference", .right),
      ("95 % from", .right), ("to", .right), ("of it in attention", .right), ("remainder", .right),
    ])
    for (name, means, direct) in [
      ("mean TTFT", ttft, all.ttft.sum), ("mean ITL", itl, all.itl.sum),
    ] {
      guard let own = means.policy, let other = means.other, let difference = means.difference
      else { continue }
      let ends = [means.paired?.low, means.paired?.high].map { end in
        end.map { NumberText.signed($0, places: 3) } ?? "-"
      }
      table.add([
        name, NumberText.fixed(own, places: 3), NumberText.fixed(other, places: 3),
        NumberText.signed(difference, places: 3), ends[0], ends[1],
        NumberText.signed(direct, places: 3), NumberText.signed(difference - direct, places: 3),
      ])
    }
    words += "\n" + table.text()
    let why =
      batches == .recorded
      ? "The remainder is what the host hides or adds between steps, and arrivals that move along."
      : "The remainder is what the host hides or adds, and what other batches do: a faster rule "
        + "empties the engine sooner."
    return words + TextLines.wrapped(why, width: TextLines.width).joined(separator: "\n") + "\n"
  }

  private static let columns: [(String, TextTable.Alignment)] = [
    ("steps", .right), ("regret s", .right), ("of all", .right), ("over", .right),
    ("TTFT ms", .right), ("ITL ms", .right), ("95 % from", .right), ("to", .right),
  ]

  private func cells(_ entry: RegretAttribution.Class) -> [String] {
    let whole = attribution.all.regret
    return [
      NumberText.grouped(entry.steps), NumberText.fixed(entry.regret.seconds, places: 3),
      whole == .zero ? "-" : NumberText.percent(entry.regret.seconds / whole.seconds), entry.over,
    ] + entry.latencyCells
  }

  private func text(_ breakdown: RegretAttribution.Breakdown) -> String {
    var table = TextTable([("by \(breakdown.name)", .left)] + Self.columns)
    for entry in breakdown.classes { table.add([entry.name] + cells(entry)) }
    return table.text()
  }

  /// Groups that a table lists.
  private static let groupsMax = 8

  private var groupText: String {
    guard !attribution.groups.isEmpty else { return "" }
    var table = TextTable([("heaviest", .left)] + Self.columns)
    var legend = ""
    for (number, entry) in attribution.groups.prefix(Self.groupsMax).enumerated() {
      table.add(["\(number + 1)"] + cells(entry.class))
      legend += "\(number + 1)  \(entry.class.name)\n"
    }
    return table.text() + legend
  }

  private func worstText(_ count: Int) -> String {
    guard !worst.isEmpty, count > 0 else { return "" }
    var text =
      "The worst batch of each, for 'vllm bench forward --kv-len-jitter 0 --case' (--export has more)\n"
    for (number, batch) in worst.prefix(count).enumerated() {
      let ratio = batch.time.attention.seconds / batch.time.other.seconds
      text +=
        "\(number + 1)  step \(batch.step): \(batch.variant.name) "
        + "\(NumberText.fixed(batch.time.attention.milliseconds, places: 3)) ms, "
        + "\(batch.otherVariant.name) \(NumberText.fixed(batch.time.other.milliseconds, places: 3)) ms, "
        + "\(NumberText.fixed(ratio, places: 2)) x\n"
      let spec = BatchSpec.requests(of: batch)
      text += "   " + (spec.count > 400 ? spec.prefix(400) + "…" : spec) + "\n"
    }
    return text
  }
}

extension RegretAttribution {
  /// Attention above the other's with its interval.
  var overWords: String {
    guard let difference else { return "too few steps for an interval" }
    return "\(NumberText.signedPercent(difference.relative)) (95 % from "
      + "\(NumberText.signedPercent(difference.relativeLow)) to "
      + "\(NumberText.signedPercent(difference.relativeHigh)))"
  }
}

extension RegretAttribution.Class {
  /// Attention above the other's, relative to it.
  var over: String {
    let other = attention - regret
    return other > .zero ? NumberText.signedPercent(regret.seconds / other.seconds) : "-"
  }

  /// The parts in mean TTFT and ITL, and the interval of the latter.
  var latencyCells: [String] {
    [ttft.sum, itl.sum, itl.low, itl.high].map { NumberText.signed($0, places: 3) }
  }
}
