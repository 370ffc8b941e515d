import EngineSimulation
import KernelSelection
import Reports
import StepTiming
import TraceFile
import TraceModel

/// Collects the batches of a trace with their times under some variants.
struct BatchTabulation {
  let source: ReplaySource
  let times: StepTimes
  /// Variants to time beside the policy's own.
  let variants: [KernelVariant]
  /// Under which batches are rescheduled.
  let policy: any SelectionPolicy

  /// Every batch, in the order of steps.
  func table(on console: Console) throws -> BatchTable {
    var timer = TabulatingTimer(
      try times.timer(for: policy, engine: source.engine, candidates: variants).base)
    let bar = ProgressBar("batches", on: console)
    defer { bar.finish() }
    switch source.batches {
    case .recorded:
      let total = Double(max(1, source.reader.stepCount))
      var steps = try source.steps()
      var step = TraceStep()
      var batch = AttentionBatch()
      var rows = source.engine.batchRows
      while try steps.next(into: &step) {
        guard !step.rows.isEmpty else { continue }
        rows.fill(&batch, with: step.rows)
        _ = try timer.time(of: &batch)
        if timer.table.count % ReplayProgress.interval == 0 {
          bar.update(Double(timer.table.count) / total)
        }
      }
    case .rescheduled:
      let replay = try source.rescheduledReplay(host: times.host)
      _ = try replay.run(&timer) { progress in
        bar.update(Double(progress.endedRequests) / Double(max(1, progress.requests)))
      }
    }
    return timer.table
  }

  /// Which batches these are, in words.
  var words: String {
    source.batches == .recorded ? "as recorded" : "rescheduled under \(policy.name)"
  }
}
