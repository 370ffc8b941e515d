import EngineSimulation
import GPUMeasurement
import KernelSelection
import StepTiming
import TraceFile
import TraceModel

/// The recorded batches of a trace whose model no profile knows: their kernels alone, no steps.
struct RecordedBatches {
  let source: ReplaySource

  /// Asks for the time of every batch under every variant that a replay would look at.
  ///
  /// That includes the variants of the policy in force while recording, from which the rest of each
  /// step follows.
  func measure(
    _ policies: [any SelectionPolicy], _ timing: MeasuredAttentionTiming
  ) throws {
    let others =
      (PolicyList.recorded(header: source.reader.header)?.variants ?? [])
      + SelectionPolicies.all.filter { $0.name == "fastest" }.flatMap(\.variants)
    guard let policy = policies.first else { return }
    var timer = try PolicyStepTimer(
      policy: policy, attention: timing, context: source.engine.attentionContext,
      layers: source.engine.model.layers, rest: RestOfStep(graphs: [], pieces: []),
      candidates: others.filter(timing.variants.contains), rivals: policies)
    var steps = try source.steps()
    var step = TraceStep()
    var batch = AttentionBatch()
    var rows = source.engine.batchRows
    while try steps.next(into: &step) {
      rows.fill(&batch, with: step.rows)
      guard batch.summary.rows > 0 else { continue }
      _ = try timer.time(of: &batch)
    }
  }
}
