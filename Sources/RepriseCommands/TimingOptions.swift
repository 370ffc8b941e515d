import ArgumentParser
import GPUMeasurement
import KernelSelection
import Reports
import StepTiming
import TraceModel

/// What commands that turn a trace's batches into time have in common with 'replay'.
struct TimingOptions: ParsableArguments {
  @Option(help: "Batches to execute: recorded or rescheduled.")
  var batches: BatchSource?

  @OptionGroup var stepTimes: StepTimeOptions

  @Option(help: "The engine to model, as for 'replay'.")
  var engine: String?

  @OptionGroup var workload: WorkloadOptions

  /// A trace opened as these options say.
  func source(path: String) throws -> ReplaySource {
    try ReplaySource(
      path: path, batches: batches, engine: engine, selection: workload.selection)
  }

  /// Step times for a source, and what the user should know of them.
  func times(
    for source: ReplaySource, variants: [KernelVariant], on console: Console
  ) throws -> (times: StepTimes, measured: MeasuredAttentionTiming?, notes: [String]) {
    try stepTimes.times(for: source, variants: variants, on: console)
  }
}
