import CPublishedFigures
import Reports
import TraceModel

/// What pull requests have published, as the binary carries it.
struct PublishedFigures {
  /// Figures of an experiment.
  let figures: [ExperimentReport.Figure]
  /// What there is to say where there are no figures, and about those that there are.
  let notes: [String]

  /// Those of one experiment.
  init(experiment: String) throws {
    let embedded = unsafe reprise_published_figures()
    let bytes = unsafe Array(UnsafeBufferPointer(start: embedded.bytes, count: embedded.count))
    let json = try JSONValue(parsing: bytes)
    figures = Self.entries(json, "figures", of: experiment).map { entry in
      ExperimentReport.Figure(
        origin: .published, series: entry["series"]?.string ?? "",
        policies: Self.elements(entry["policies"]).compactMap(\.string),
        x: entry["x"]?.double ?? 0, y: entry["y"]?.double ?? 0, unit: entry["unit"]?.string ?? "",
        metric: entry["metric"]?.string ?? "", hardware: entry["hardware"]?.string ?? "",
        source: entry["source"]?.string ?? "")
    }
    notes = Self.entries(json, "notes", of: experiment).compactMap { $0["text"]?.string }
  }

  private static func entries(
    _ json: JSONValue, _ key: String, of experiment: String
  ) -> [JSONValue] {
    elements(json[key]).filter { $0["experiment"]?.string == experiment }
  }

  static func elements(_ json: JSONValue?) -> [JSONValue] {
    if case .array(let values)? = json { values } else { [] }
  }
}
