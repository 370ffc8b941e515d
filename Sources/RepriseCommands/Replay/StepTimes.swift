import EngineSimulation
import GPUMeasurement
import KernelSelection
import MachineProfiles
import MeasurementStore
import Reports
import StepTiming
import TraceFile
import TraceModel

/// Where `replay` takes step times from.
enum TimingChoice: String, CaseIterable {
  /// Measurements where there are some, else the profile.
  case auto
  /// Measurements of kernels on a GPU.
  case gpu
  /// A machine profile.
  case profile
}

/// Everything that turns batches into time: attention, the rest of the step, the host.
struct StepTimes {
  var attention: any AttentionTiming
  let rest: RestOfStep
  let pace: KernelPace
  let host: HostTiming
  var description: TimingDescription
  let gpu: String
  /// Whether policies run one after another, because they share the GPU that is measured on.
  let isMeasured: Bool
  /// Whether the rest of the step comes from the trace's own GPU times.
  let isRestRecorded: Bool

  /// Times for a source, from a profile and, where the trace has GPU times, from the trace itself.
  ///
  /// - `measured`: times of executed kernels, which then stand for attention
  /// - `restChoice`: whether the trace's own GPU times are used
  /// - `variants`: kernels that the policies may choose, whose errors are worth stating
  init(
    for source: ReplaySource, measured: MeasuredAttentionTiming? = nil, profilePath: String?,
    rest restChoice: RestChoice = .auto, variants: [KernelVariant]
  ) throws {
    let profile = try Self.profile(gpu: source.gpu, path: profilePath)
    let timing = ProfileAttentionTiming(profile.kernels)
    let model = try profile.model(nearest: source.engine.model)
    let inEngine = measured.map { EngineAttentionTiming($0, kernels: profile.kernels) }
    var parts: [TimingDescription.HeldOutError] = []
    if measured == nil {
      parts = profile.kernels.filter { variants.contains($0.variant) }.map {
        TimingDescription.HeldOutError(part: $0.variant.name, error: $0.heldOut)
      }
    }
    var restWords = "rest of step from the profile of \(model.shape.name)"
    if model.shape.name != source.engine.model.name {
      restWords += ", the nearest to \(source.engine.model.name)"
    }
    if restChoice == .auto,
      let recorded = try RecordedTimes(
        of: source, measured: inEngine, profile: timing, model: model)
    {
      isRestRecorded = true
      rest = recorded.rest.completed(by: model.rest)
      pace = recorded.pace
      host = recorded.host
      restWords =
        "rest of step, host and the recorded kernels' pace from this trace's own GPU times (recorded under "
        + "\(recorded.policyWords))"
    } else {
      isRestRecorded = false
      rest = model.rest
      pace = .asTimed
      host = model.host
      for (name, error) in [
        ("decode steps", model.decodeStepError), ("steps with prompts", model.mixedStepError),
      ] {
        if let error { parts.append(.init(part: name, error: error)) }
      }
    }
    isMeasured = measured != nil
    if let measured, let inEngine {
      attention = inEngine
      gpu = measured.machine.gpu
      description = TimingDescription(
        source: .gpu,
        attention: "attention from kernels executed on \(measured.machine.gpu), driver "
          + measured.machine.driver,
        rest: restWords, errors: parts)
      return
    }
    attention = timing
    gpu = profile.gpu
    description = TimingDescription(
      source: .profile,
      attention: "attention from \(profilePath ?? "the built-in profile") of \(profile.gpu)",
      rest: restWords, errors: parts)
  }

  /// Whether a built-in profile knows the GPU and the model of a source.
  static func hasProfile(for source: ReplaySource) -> Bool {
    guard let profile = try? profile(gpu: source.gpu, path: nil) else { return false }
    return (try? profile.model(named: source.engine.model.name)) != nil
  }

  static func profile(gpu: String, path: String?) throws -> MachineProfile {
    if let path {
      let bytes = try InputFile.bytes(path: path)
      do {
        return try MachineProfile(json: JSONValue(parsing: bytes), source: path)
      } catch let error as JSONError {
        throw CommandError.failed("'\(path)': \(error.message); make one with 'reprise calibrate'")
      }
    }
    let all = try BuiltinProfiles.all()
    guard let profile = all.first(where: { $0.gpu == gpu }) else {
      let known = all.map(\.gpu).joined(separator: ", ")
      throw CommandError.failed(
        "no profile for '\(gpu)' (known: \(known)); make one with 'reprise calibrate' and name it "
          + "with --profile")
    }
    return profile
  }

  /// A timer for one policy.
  ///
  /// - `candidates`: variants that regret is measured against beside the policy's own
  /// - `rivals`: policies whose choices it is measured against too
  /// - `keepsSteps`: whether each step is kept, for tables of steps
  func timer(
    for policy: any SelectionPolicy, engine: EngineModel, candidates: [KernelVariant],
    rivals: [any SelectionPolicy] = [], keepsSteps: Bool = false
  ) throws(TimingError) -> StepRecordingTimer<PolicyStepTimer> {
    StepRecordingTimer(
      try PolicyStepTimer(
        policy: policy, attention: attention, context: engine.attentionContext,
        layers: engine.model.layers, rest: rest, pace: pace, candidates: candidates,
        rivals: rivals),
      keepsSteps: keepsSteps)
  }
}

/// What a trace tells of the rest of its steps and of its host; nothing without GPU times.
private struct RecordedTimes {
  let rest: RestOfStep
  let pace: KernelPace
  let host: HostTiming
  /// The policy in force, as the header names it and as reprise does.
  let policyWords: String

  /// The measured kernels stand for what was recorded too, where they have all that its policy chose
  /// from: the rest is then what is left of a step by the same clock.
  init?(
    of source: ReplaySource, measured: EngineAttentionTiming?, profile: ProfileAttentionTiming,
    model: ModelProfile
  ) throws {
    let header = source.reader.header
    guard source.reader.stepCount > 0, header.model?.name == source.engine.model.name,
      let policy = PolicyList.recorded(header: header)
    else { return nil }
    var attention: any AttentionTiming = profile
    if let measured, policy.variants.allSatisfy(measured.variants.contains) {
      attention = measured
    }
    var recordedRest = try RecordedRest(
      policy: policy, attention: attention, context: source.engine.attentionContext,
      layers: source.engine.model.layers, prior: model.rest, host: model.host,
      rows: source.engine.batchRows)
    var hostFit = HostFit(
      requests: source.allRequests,
      usesTriton: policy.variants.contains { $0.family.isTriton })
    var steps = try source.reader.steps()
    var step = TraceStep()
    var timed = 0
    while try steps.next(into: &step) {
      hostFit.add(step, launch: try recordedRest.add(step))
      timed += step.gpuTime.map { $0 > .zero } == true ? 1 : 0
    }
    guard timed > 0 else { return nil }
    (rest, pace) = recordedRest.parts
    host = hostFit.timing(
      layers: source.engine.model.layers, fallback: model.host, fallbackLayers: model.shape.layers)
    let named = header.selectionPolicy ?? policy.name
    policyWords = named == policy.name ? named : "\(named), which is \(policy.name)"
  }
}

extension StepTimes {
  /// Times of given parts, with a host that takes none.
  init(
    attention: any AttentionTiming, rest: RestOfStep, description: TimingDescription, gpu: String,
    isMeasured: Bool
  ) {
    self.attention = attention
    self.rest = rest
    self.description = description
    self.gpu = gpu
    self.isMeasured = isMeasured
    isRestRecorded = false
    pace = .asTimed
    host = HostTiming()
  }
}
