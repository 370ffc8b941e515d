import ArgumentParser
import CUDADriver
import EngineSimulation
import GPUMeasurement
import KernelImages
import KernelSelection
import MachineProfiles
import MeasurementStore
import StepTiming
import TraceModel

/// What commands that use measured kernels have in common.
struct GPUOptions: ParsableArguments {
  @Option(
    help:
      "Measured kernels: a store, added to where there is a GPU, or an export of one (.jsonl.zst)."
  )
  var measurements: String?

  @Option(help: "Compiled kernels. Default: ~/.cache/reprise/kernels.")
  var kernels: String?

  @Flag(help: "Measure every batch as it is, its rows in order: interpolate none, estimate none.")
  var exact = false

  /// Opens the GPU with the kernels built for it.
  private func bench() throws -> sending AttentionBench {
    let directory = kernels ?? KernelsCommand.defaultDirectory
    return try AttentionBench(
      driver: CUDADriver(),
      manifest: { architecture throws(KernelImageError) in
        try KernelManifest(directory: directory, architecture: architecture)
      })
  }

  /// Times of executed kernels for a trace's engine; `nil` where the profile is to be used.
  func timing(
    _ choice: TimingChoice, for source: ReplaySource, cache: MeasuredState.Cache = .cold,
    profile: String? = nil, requiresGPU: Bool = false, replaysPackages: Bool = false,
    on console: Console
  ) throws -> MeasuredAttentionTiming? {
    try timing(
      choice, engine: source.engine, gpu: source.gpu, cache: cache, profile: profile,
      requiresGPU: requiresGPU, replaysPackages: replaysPackages, on: console)
  }

  /// Times of executed kernels for an engine; `nil` where the profile is to be used.
  ///
  /// A machine without a GPU answers from the measurements alone. Which of the two it was is told on
  /// standard error and not in the report, which is the same either way.
  ///
  /// - `gpu`: whose measurements are wanted where there is no GPU
  /// - `profile`: a file that says how the GPU deals CTAs, instead of the built-in profile
  /// - `requiresGPU`: whether measurements without a GPU do not do
  /// - `replaysPackages`: whether a store of packages' kernels alone leaves the others to the profile
  func timing(
    _ choice: TimingChoice, engine: EngineModel, gpu: String,
    cache: MeasuredState.Cache = .cold, profile: String? = nil, requiresGPU: Bool = false,
    replaysPackages: Bool = false, on console: Console
  ) throws -> MeasuredAttentionTiming? {
    guard choice != .profile else {
      guard measurements == nil else {
        throw CommandError.usage("--timing profile uses no measurements; leave --measurements out")
      }
      guard !exact else {
        throw CommandError.usage("--timing profile measures nothing; leave --exact out")
      }
      return nil
    }
    let isExport = measurements.map(MeasurementFile.isExport) ?? false
    let placement =
      try profile.map { try StepTimes.profile(gpu: gpu, path: $0).placement }
      ?? BuiltinProfiles.profile(gpu: gpu)?.placement
    func timing(_ bench: sending AttentionBench?) throws -> MeasuredAttentionTiming {
      try MeasuredAttentionTiming(
        measurements: isExport ? nil : measurements,
        imported: isExport ? MeasurementFile.read(measurements ?? "") : [], bench: bench, gpu: gpu,
        context: engine.attentionContext,
        options: MeasuredTimingOptions(
          cache: cache, isExact: exact, hiddenSize: engine.model.hiddenSize,
          placement: placement))
    }
    do {
      return try timing(try bench())
    } catch {
      guard !requiresGPU,
        let reason = Self.absence(error) ?? (choice == .auto ? Self.unusable(error) : nil)
      else { throw error }
      if let measurements, FileSystem.exists(measurements) {
        let stored = try timing(nil)
        let leavesOthers = replaysPackages && choice == .auto && stored.hasPackagesAlone
        console.noteOnce(
          "\(reason); "
            + (leavesOthers
              ? "times of packages' kernels come from '\(measurements)', all others from the profile"
              : "times come from '\(measurements)' alone"))
        return stored
      }
      if let measurements {
        throw CommandError.failed(
          "\(reason), and there is no file '\(measurements)' to take times from; check the path")
      }
      guard choice == .auto else {
        throw CommandError.failed(
          "\((error as? any OneLineError)?.message ?? reason), or --timing profile")
      }
      guard !exact else {
        throw CommandError.usage(
          "--exact is for measured kernels, of which there are none; name some with --measurements")
      }
      // That there is no GPU goes without saying; why one is not used does not.
      if Self.absence(error) == nil { console.noteOnce("\(reason); the machine profile is used") }
      return nil
    }
  }

  /// Why there is no GPU, where that is what an error says.
  private static func absence(_ error: any Error) -> String? {
    if let error = error as? CUDAError { return error.saysNoGPU ? "no GPU here" : nil }
    guard let error = error as? GPUMeasurementError else { return nil }
    return error.saysNoGPU ? "no GPU is visible" : nil
  }

  /// Why the GPU cannot be used, where `auto` then does without.
  private static func unusable(_ error: any Error) -> String? {
    (error as? GPUMeasurementError)?.message ?? (error as? CUDAError)?.message
  }

  /// Says on standard error what was measured.
  static func tell(_ timing: MeasuredAttentionTiming, on console: Console) {
    let activity = timing.activity
    for note in activity.notes { console.note(note) }
    guard activity.measured > 0 else { return }
    console.note("measured on \(timing.machine.gpu): \(activity.words)")
  }
}
