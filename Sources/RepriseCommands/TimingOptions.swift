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

  @Option(help: "Step times: auto, gpu (measured kernels) or profile (a fitted machine).")
  var timing: TimingChoice = .auto

  @OptionGroup var gpu: GPUOptions

  @Option(help: "A machine profile made by 'reprise calibrate', instead of a built-in one.")
  var profile: String?

  @Option(help: "The engine to model, as for 'replay'.")
  var engine: String?

  @OptionGroup var workload: WorkloadOptions

  /// A trace opened as these options say.
  func source(path: String) throws -> ReplaySource {
    try ReplaySource(
      path: path, batches: batches, engine: engine, selection: workload.selection)
  }

  /// Step times for a source, and what the user should know of them.
  ///
  /// - `variants`: kernels that may be chosen
  func times(
    for source: ReplaySource, variants: [KernelVariant], on console: Console
  ) throws -> (times: StepTimes, measured: MeasuredAttentionTiming?, notes: [String]) {
    let measured = try gpu.timing(timing, for: source, on: console)
    let times = try StepTimes(
      for: source, measured: measured, profilePath: profile, variants: variants)
    let isFallback = timing == .auto && measured == nil
    let note = "no measured kernels, so --timing auto uses the machine profile"
    return (times, measured, (isFallback ? [note] : []) + source.notes)
  }
}
