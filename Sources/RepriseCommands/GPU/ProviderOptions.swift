import ArgumentParser
import GPUMeasurement
import KernelSelection
import MeasurementStore

/// How kernels of installed packages, such as those of vLLM, get their times.
struct ProviderOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The command that times kernels of installed packages, such as 'python3 -m reprise_providers'.",
      discussion: "Policies name such kernels: always-2d@vllm-0.24.0. Needs --measurements."))
  var provider: String?

  /// What measures the kernels that policies take from packages.
  func rounds(
    for policies: [any SelectionPolicy], on source: ReplaySource, gpu: GPUOptions,
    profilePath: String?, console: Console
  ) throws -> ProviderRounds {
    let packaged = policies.flatMap(\.variants).filter { !$0.package.isEmpty }
    if let provider {
      guard !packaged.isEmpty else {
        throw CommandError.usage(
          "--provider has nothing to time: no policy names a package's kernels; "
            + "write one as POLICY@PACKAGE, such as always-2d@vllm-0.24.0")
      }
      guard let path = gpu.measurements else {
        throw CommandError.usage(
          "--provider '\(provider)' needs --measurements, the file that keeps times")
      }
      // Also where there is none yet: both sides add to it.
      _ = try MeasurementStore(path: path)
    }
    return ProviderRounds(
      source: source, packaged: packaged, command: provider, store: gpu.measurements,
      isExact: gpu.exact, profilePath: profilePath, console: console)
  }
}
