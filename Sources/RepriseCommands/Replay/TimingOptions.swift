import ArgumentParser
import GPUMeasurement
import KernelSelection

/// Where the rest of a step and the host's timing come from.
enum RestChoice: String, CaseIterable, ExpressibleByArgument {
  /// The trace's own GPU times where it has some, else the profile.
  case auto
  /// The profile, though the trace may have GPU times.
  case profile
}

/// Options of commands that replay: where step times come from.
struct TimingOptions: ParsableArguments {
  @Option(help: "Step times: auto, gpu (measured kernels) or profile (a fitted machine).")
  var timing: TimingChoice = .auto

  @Option(help: "The rest of each step: auto (the trace's own GPU times, if any) or profile.")
  var rest: RestChoice = .auto

  @OptionGroup var gpu: GPUOptions

  @Option(help: "A machine profile made by 'reprise calibrate', instead of a built-in one.")
  var profile: String?

  /// The step times of a source's replays, what is worth a note about them, and the measured kernels
  /// that are among them.
  ///
  /// - `variants`: kernels that the policies may choose, whose errors are worth stating
  func times(
    for source: ReplaySource, variants: [KernelVariant], on console: Console
  ) throws -> (times: StepTimes, notes: [String], measured: MeasuredAttentionTiming?) {
    let measured = try gpu.timing(timing, for: source, on: console)
    let isFallback = timing == .auto && measured == nil
    let times = try StepTimes(
      for: source, measured: measured, profilePath: profile, rest: rest, variants: variants)
    return (
      times: times,
      notes: isFallback ? ["no measured kernels, so --timing auto uses the machine profile"] : [],
      measured: measured
    )
  }
}
