import ArgumentParser
import GPUMeasurement
import KernelSelection
import Reports
import StepTiming
import TraceModel

/// Where step times come from, for commands that replay.
struct StepTimeOptions: ParsableArguments {
  @Option(help: "Step times: auto, gpu (measured kernels) or profile (a fitted machine).")
  var timing: TimingChoice = .auto

  @OptionGroup var gpu: GPUOptions

  @Option(help: "A machine profile made by 'reprise calibrate', instead of a built-in one.")
  var profile: String?

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
