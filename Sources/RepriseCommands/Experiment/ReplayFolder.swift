import EngineSimulation
import GPUMeasurement
import KernelSelection
import Reports
import StepTiming
import TraceModel

/// One replay of a larger undertaking, from a trace to a folder of results as `replay --output` writes.
struct ReplayFolder {
  let policies: [any SelectionPolicy]
  let options: StepTimeOptions
  let seed: UInt64
  let console: Console

  /// Replays a source and writes its results; the report calls the trace `name`.
  ///
  /// - `given`: step times, where they are not those that 'replay' takes
  func write(
    _ source: ReplaySource, name: String, to directory: String, times given: PointTimes? = nil
  ) async throws -> ReplayReport {
    let console = console.subject == nil ? console.about(directory) : console
    let (times, measured, notes) =
      try given
      ?? options.times(for: source, variants: policies.flatMap(\.variants), on: console)
    let run = ReplayRun(
      source: source, times: times, policies: policies, keepsSteps: true, console: console)
    let outcomes = try await run.outcomes()
    if let measured { GPUOptions.tell(measured, on: console) }
    var description = times.description
    description.estimates = measured?.estimates
    let graphNotes = PolicyList.graphNotes(of: policies, under: source.engine.graphs.mode)
    let report = ReplayReport(
      trace: TraceDescription(
        name: name, requests: source.requests, selection: source.selectionWords),
      batches: source.batches, timing: description, engine: source.engine.name,
      machine: times.gpu, notes: notes + graphNotes + description.estimateNotes,
      outcomes: outcomes, seed: seed)
    try ReplayResults(
      report: report, outcomes: outcomes, requests: source.requests,
      model: source.engine.model.name
    ).write(to: directory)
    return report
  }

  /// Writes `experiment.json`.
  static func write(_ report: ExperimentReport, to directory: String) throws {
    let file = try ResultFile(path: "\(directory)/experiment.json")
    try file.write((report.json().text(pretty: true) + "\n").utf8.span)
    try file.finish()
  }
}
