import ArgumentParser
import GPUMeasurement
import KernelSelection
import Reports
import StepTiming
import TraceModel

/// Where the rest of a step and the host's timing come from.
enum RestChoice: String, CaseIterable, ExpressibleByArgument {
  /// The trace's own GPU times where it has some, else the profile.
  case auto
  /// The profile, though the trace may have GPU times.
  case profile
}

/// Where step times come from, for commands that replay.
struct StepTimeOptions: ParsableArguments {
  @Option(help: "Step times: auto, gpu (measured kernels) or profile (a fitted machine).")
  var timing: TimingChoice = .auto

  @Option(help: "The rest of each step: auto (the trace's own GPU times, if any) or profile.")
  var rest: RestChoice = .auto

  @OptionGroup var gpu: GPUOptions

  @Option(help: "A machine profile made by 'reprise calibrate', instead of a built-in one.")
  var profile: String?

  /// Step times for a source, and what the user should know of them.
  ///
  /// - `variants`: kernels that may be chosen
  /// - `rounds`: what times the kernels of packages, if some are among them
  func times(
    for source: ReplaySource, variants: [KernelVariant], rounds: ProviderRounds? = nil,
    on console: Console
  ) throws -> (times: StepTimes, measured: MeasuredAttentionTiming?, notes: [String]) {
    let found = try gpu.timing(
      timing, for: source, profile: profile,
      replaysPackages: rounds.map { !$0.packaged.isEmpty } ?? false,
      on: console)
    let measured = rounds.map { $0.ownTiming(found, timing) } ?? found
    let times = try StepTimes(
      for: source, measured: measured, profilePath: profile, rest: rest, variants: variants)
    let isFallback = timing == .auto && measured == nil
    let note = "no measured kernels, so --timing auto uses the machine profile"
    return (times, measured, (isFallback ? [note] : []) + source.notes)
  }
}
