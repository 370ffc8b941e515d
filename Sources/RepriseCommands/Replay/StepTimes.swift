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
  private let outputLayer: OutputLayer
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
    let model = try Self.model(of: source.engine, in: profile)
    let inEngine = measured.map { EngineAttentionTiming($0, kernels: profile.kernels) }
    let (recorded, unused) =
      restChoice == .auto
      ? try RecordedTimes.taken(from: source, measured: inEngine, profile: timing, model: model)
      : (nil, nil)
    isRestRecorded = recorded != nil
    rest = recorded?.rest.completed(by: model.rest) ?? model.rest
    pace = recorded?.pace ?? .asTimed
    outputLayer = Self.outputLayer(of: model)
    var host = recorded?.host ?? model.host
    host.loadedKernels = source.engine.loadedKernels(of: outputLayer)
    self.host = host
    isMeasured = measured != nil
    attention = inEngine ?? timing
    gpu = measured?.machine.gpu ?? profile.gpu
    let words =
      measured.map { "kernels executed on \($0.machine.gpu), driver \($0.machine.driver)" }
      ?? "\(profilePath ?? "the built-in profile") of \(profile.gpu)"
    description = TimingDescription(
      source: measured == nil ? .profile : .gpu, attention: "attention from " + words,
      rest: recorded?.words
        ?? Self.words(model, for: source.engine)
        + (unused.map { "; GPU times of the trace are left out: \($0)" } ?? ""),
      errors: Self.errors(
        of: variants, in: profile, model, source.engine, isMeasured: measured != nil,
        isRestRecorded: recorded != nil))
  }

  /// What a profile knows of an engine's model, or another's times that stand in for it.
  ///
  /// MLA's weights are not those of the formula for others, so there the other's times stay as they are.
  private static func model(
    of engine: EngineModel, in profile: MachineProfile
  ) throws(TimingError) -> ModelProfile {
    let model = try profile.model(for: engine.rankModel)
    guard let other = model.standsIn, engine.attentionContext.isLatent else { return model }
    var unscaled = try profile.model(named: other.name)
    unscaled.standsIn = other
    return unscaled
  }

  /// What is known of a model's output layer; another's tells nothing of it.
  fileprivate static func outputLayer(of model: ModelProfile) -> OutputLayer {
    model.standsIn == nil ? model.outputLayer : .unknown
  }

  /// The host as it is beside a process that has served other sizes.
  func host(after warmUp: ServedSizes, of engine: EngineModel) -> HostTiming {
    var engine = engine
    engine.warmUp = warmUp
    var host = host
    host.loadedKernels = engine.loadedKernels(of: outputLayer)
    return host
  }

  private static func words(_ model: ModelProfile, for engine: EngineModel) -> String {
    guard let other = model.standsIn else {
      return "rest of step from the profile of \(model.shape.name)"
    }
    let ranks = engine.tensorParallel
    let own = engine.model.name + (ranks > 1 ? " on each of \(ranks) GPUs" : "")
    guard model.shape != other else {
      return "rest of step from the profile of \(other.name), the nearest to \(own)"
    }
    let more = ranks > 1 ? ", without what GPUs send one another" : ""
    return
      "rest of step from the profile of \(other.name), scaled to the weights of \(own)\(more): an "
      + "estimate; record with REPRISE_GPU_TIMES=1, or calibrate"
  }

  /// How far what was fitted is from data not fitted to, where that holds for an engine: errors of kernels
  /// for the heads that they were measured with, those of steps for the model that was recorded.
  private static func errors(
    of variants: [KernelVariant], in profile: MachineProfile, _ model: ModelProfile,
    _ engine: EngineModel, isMeasured: Bool, isRestRecorded: Bool
  ) -> [TimingDescription.HeldOutError] {
    var errors: [TimingDescription.HeldOutError] = []
    if !isMeasured, profile.knowsHeads(of: engine.rankModel) || engine.attentionContext.isLatent {
      errors = profile.kernels.filter { variants.contains($0.variant) }.map {
        .init(part: $0.variant.name, error: $0.heldOut)
      }
    }
    guard !isRestRecorded, model.standsIn == nil else { return errors }
    for (name, error) in [
      ("decode steps", model.decodeStepError), ("steps with prompts", model.mixedStepError),
    ] {
      if let error { errors.append(.init(part: name, error: error)) }
    }
    return errors
  }

  /// Whether a built-in profile knows the GPU and the model of a source.
  static func hasProfile(for source: ReplaySource) -> Bool {
    guard let profile = try? profile(gpu: source.gpu, path: nil),
      let model = try? profile.model(for: source.engine.rankModel)
    else { return false }
    return model.standsIn == nil
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
  /// Where they come from, and the policy in force, as the header names it and as reprise does.
  let words: String

  /// Those of a trace, or why its GPU times tell nothing; neither where it has none of its engine.
  static func taken(
    from source: ReplaySource, measured: EngineAttentionTiming?, profile: ProfileAttentionTiming,
    model: ModelProfile
  ) throws -> (times: RecordedTimes?, unused: String?) {
    let header = source.reader.header
    guard header.model?.name == source.engine.model.name, try source.reader.hasGPUTimes else {
      return (nil, nil)
    }
    guard let policy = PolicyList.recorded(header: header) else {
      let named = header.selectionPolicy ?? header.attentionBackend ?? "a rule without a name"
      return (nil, "it was recorded under \(named), which is not known here")
    }
    do {
      let times = try RecordedTimes(
        of: source, under: policy, measured: measured, profile: profile, model: model)
      return (times, nil)
    } catch TimingError.batchWithoutTiming(let variant, let batch) {
      return (nil, "it was recorded under \(policy.name), and \(variant) has no times for \(batch)")
    }
  }

  /// The measured kernels stand for what was recorded too, where they have all that its policy chose
  /// from: the rest is then what is left of a step by the same clock.
  private init(
    of source: ReplaySource, under policy: any SelectionPolicy, measured: EngineAttentionTiming?,
    profile: ProfileAttentionTiming, model: ModelProfile
  ) throws {
    let header = source.reader.header
    var attention: any AttentionTiming = profile
    if let measured, policy.variants.allSatisfy(measured.variants.contains) {
      attention = measured
    }
    let engine = source.engine
    let context = engine.attentionContext
    var rows = engine.batchRows
    var hostFit = HostFit(
      requests: source.allRequests,
      loadedKernels: engine.loadedKernels(of: StepTimes.outputLayer(of: model)),
      usesTriton: policy.variants.contains { $0.family.isTriton })
    var batch = AttentionBatch()
    try source.reader.forEachStep { step in
      rows.fill(&batch, with: step.rows)
      hostFit.add(step, launch: context.launch(of: batch.summary))
    }
    host = hostFit.timing(
      layers: engine.model.layers, fallback: model.host, fallbackLayers: model.shape.layers)
    // Its own host tells which steps' GPU waited for their launch.
    var recordedRest = try RecordedRest(
      policy: policy, attention: attention, context: context, layers: engine.model.layers,
      prior: model.standsIn == nil ? model.rest : nil, host: host,
      rows: engine.batchRows)
    try source.reader.forEachStep { try recordedRest.add($0) }
    (rest, pace) = recordedRest.parts
    let named = header.selectionPolicy ?? policy.name
    words =
      "rest of step, host and the recorded kernels' pace from this trace's own GPU times (recorded under "
      + (named == policy.name ? named : "\(named), which is \(policy.name)") + ")"
  }
}

extension TraceReader {
  /// Whether any step has the GPU's time.
  fileprivate var hasGPUTimes: Bool {
    get throws {
      var steps = try steps()
      var step = TraceStep()
      while try steps.next(into: &step) {
        if let time = step.gpuTime, time > .zero { return true }
      }
      return false
    }
  }

  fileprivate func forEachStep(_ body: (TraceStep) throws -> Void) throws {
    var steps = try steps()
    var step = TraceStep()
    while try steps.next(into: &step) { try body(step) }
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
    outputLayer = .unknown
  }
}
