import EngineSimulation
import Metrics
import StepTiming
import TraceModel

extension ExperimentReport {
  /// The report for reading: where each number comes from, then a line a place and policy.
  public func text() -> String { headingText + "\n" + tableText }

  private var headingText: String {
    var facts = [("", title)]
    if let report = points.first?.report {
      facts += [
        ("ours", "\(report.machine), \(report.timing.source.rawValue): \(report.timing.attention)"),
        ("", "engine \(report.engine), batches \(report.batches.rawValue)"),
      ]
    }
    for origin in [Figure.Origin.recorded, .published] {
      var seen: Set<String> = []
      for figure in figures where figure.origin == origin {
        let words = "\(figure.hardware): \(figure.series)"
        guard seen.insert(words).inserted else { continue }
        facts.append((seen.count == 1 ? origin.words : "", words))
      }
    }
    facts += allNotes.map { ("note", $0) }
    return facts.map { name, words in
      let lines = TextLines.wrapped(words, width: TextLines.width - 10)
      let padding = String(repeating: " ", count: 10 - name.count)
      return (name.isEmpty && words == title)
        ? TextLines.wrapped(words, width: TextLines.width).joined(separator: "\n") + "\n"
        : name + padding + lines.joined(separator: "\n          ") + "\n"
    }.joined()
  }

  private var tableText: String {
    let origins = metrics.map { metric in
      [Figure.Origin.recorded, .published].filter { origin in
        figures.contains { $0.origin == origin && $0.metric == metric.key }
      }
    }
    let traces = points.contains { $0.trace != nil }
    var columns: [(heading: String, alignment: TextTable.Alignment)] =
      (traces ? [("trace", .left)] : []) + [(xLabel, .right), ("policy", .left)]
    for (metric, origins) in zip(metrics, origins) {
      columns.append((metric.heading, .right))
      for origin in origins { columns += [(origin.words, .right), ("off", .right)] }
    }
    var table = TextTable(columns)
    for (number, point) in points.enumerated() {
      if number > 0 { table.addBreak() }
      for (line, policy) in point.report.policies.enumerated() {
        var cells = traces ? [line == 0 ? point.trace ?? "" : ""] : []
        cells += [line == 0 ? point.label : "", policy.name]
        for (metric, origins) in zip(metrics, origins) {
          let own = metric.value(policy)
          cells.append(Self.text(own))
          for origin in origins {
            let figure = figures.first {
              $0.origin == origin && $0.metric == metric.key && $0.x == point.x
                && $0.policies.contains(policy.name)
            }
            cells.append(Self.text(figure?.y))
            cells.append(Self.text(own, over: figure?.y))
          }
        }
        table.add(cells)
      }
    }
    return table.text()
  }

  private static func text(_ value: Double?) -> String {
    value.map { NumberText.fixed($0, places: min(2, NumberText.places(for: [$0]))) } ?? ""
  }

  private static func text(_ value: Double?, over other: Double?) -> String {
    guard let value, let other, other > 0 else { return "" }
    return NumberText.signedPercent(value / other - 1)
  }
}

extension ExperimentReport.Figure.Origin {
  /// What a column of such figures is called.
  fileprivate var words: String { self == .recorded ? "real run" : "published" }
}
