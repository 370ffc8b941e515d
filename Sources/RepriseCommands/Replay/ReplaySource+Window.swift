import EngineSimulation
import Reports
import StepTiming
import TraceFile
import TraceModel

extension ReplaySource {
  /// The replay that keeps the trace's batches; `replayed` then takes what it gives.
  func recordedReplay(host: HostTiming) -> RecordedReplay {
    RecordedReplay(
      requests: allRequests, gaps: reader.gaps, engine: engine, host: host,
      beginsLate: selection.from != nil)
  }

  /// What a recorded replay of all requests gave, of those to replay.
  func replayed(_ outcome: ReplayOutcome) -> ReplayOutcome {
    guard let places else { return outcome }
    var chosen = outcome
    chosen.requests = places.map { outcome.requests[$0] }
    return chosen
  }

  /// What was chosen of the trace, in words.
  var selectionWords: String {
    selection.words(of: batches == .recorded ? "steps" : "arrivals")
  }

  /// The steps to replay, in order.
  func steps() throws(TraceFileError) -> TraceStepReader {
    try Self.steps(of: reader, in: selection)
  }

  private static func steps(
    of reader: TraceReader, in selection: WorkloadSelection
  ) throws(TraceFileError) -> TraceStepReader {
    guard selection.from != nil || selection.to != nil else { return try reader.steps() }
    return try reader.steps(
      between: selection.from ?? Nanoseconds(.min), and: selection.to ?? Nanoseconds(.max))
  }

  /// Places of the requests that have rows in a window of steps; `nil` where all are chosen.
  static func places(
    in selection: WorkloadSelection, of reader: TraceReader, count: Int
  ) throws(TraceFileError) -> [Int]? {
    guard !selection.isEverything else { return nil }
    var steps = try steps(of: reader, in: selection)
    var isHeld = Array(repeating: false, count: count)
    var step = TraceStep()
    while try steps.next(into: &step) {
      for row in step.rows where isHeld.indices.contains(Int(row.request)) {
        isHeld[Int(row.request)] = true
      }
    }
    return isHeld.indices.filter { isHeld[$0] }
  }
}
