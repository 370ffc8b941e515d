import EngineSimulation
import GPUMeasurement
import KernelSelection
import Reports
import StepTiming
import TraceModel

extension MeasureCommand {
  /// Writes which batches replays of the traces ask about; needs no GPU.
  ///
  /// Batches that are rescheduled form by the times of the machine profile.
  func writePlan(
    to path: String, _ policies: [any SelectionPolicy], on console: Console
  ) async throws {
    var plan = MeasurementPlan()
    for trace in traces {
      let source = try ReplaySource(
        path: trace, batches: batches, engine: engine, selection: WorkloadSelection())
      let variants = policies.flatMap(\.variants)
      var times = try StepTimes(for: source, profilePath: profile, variants: variants)
      let recording = PlanningTiming(
        times.attention, variants: variants, context: source.engine.attentionContext,
        isExact: gpu.exact)
      times.attention = recording
      let run = ReplayRun(source: source, times: times, policies: policies, console: console)
      _ = try await run.outcomes()
      plan.merge(recording.plan)
    }
    let file = try ResultFile(path: path)
    try file.write(plan.text.utf8.span)
    try file.finish()
    try console.print("\(path): \(plan.count) batches\n")
  }
}
