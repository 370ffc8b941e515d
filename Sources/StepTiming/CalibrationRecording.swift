public import KernelSelection
public import TraceModel

/// One recording on its way into a calibration: its steps with GPU times, and what they show of the
/// host.
public struct CalibrationRecording: Sendable {
  /// A step as calibration sees it.
  struct Step: Sendable {
    /// The rows, ordered and padded as launched.
    let batch: AttentionBatch
    /// The kernel that the policy in force chose.
    let variant: KernelVariant
    let launch: StepLaunch
    let gpu: Nanoseconds
    /// The GPU's other work and pauses since the last step that drew on its power; `nil` where there was none.
    let promptGap: Nanoseconds?
  }

  /// The recording's name.
  public let name: String
  /// Which machine it was made on; `nil` where unknown.
  let machine: Int?
  let shape: ModelShape
  let context: AttentionContext
  private let policy: any SelectionPolicy
  private(set) var steps: [Step] = []
  private(set) var host: HostFit
  private var promptGap: Nanoseconds?
  private var lastOutput: Nanoseconds?
  private var rows: BatchRows
  private var batch = AttentionBatch()

  /// An empty recording.
  ///
  /// - `machine`: which of several machines of the kind it was made on; `nil` where unknown
  /// - `policy`: the one in force while recording; one that names a variant for every batch
  /// - `callers`: by request, what its caller saw, on the recording's clock; empty where unknown
  /// - `rows`: the engine's, before its first step
  /// - `loadedKernels`: what its process had loaded before
  public init(
    name: String, machine: Int? = nil, shape: ModelShape, context: AttentionContext,
    policy: any SelectionPolicy, requests: [TraceRequest], callers: [CallerRecord?] = [],
    rows: BatchRows = BatchRows(), loadedKernels: LoadedKernels = LoadedKernels()
  ) {
    self.rows = rows
    self.name = name
    self.machine = machine
    self.shape = shape
    self.context = context
    self.policy = policy
    host = HostFit(
      requests: requests, callers: callers, loadedKernels: loadedKernels,
      usesTriton: policy.variants.contains { $0.family.isTriton })
  }

  /// Takes the next step in; one without GPU time or rows tells of the host alone.
  public mutating func add(_ step: TraceStep) {
    if let lastOutput { pause(for: max(.zero, step.scheduleStart - lastOutput)) }
    lastOutput = step.output ?? lastOutput
    rows.fill(&batch, with: step.rows)
    let launch = context.launch(of: batch.summary)
    host.add(step, launch: launch)
    guard let gpu = step.gpuTime, gpu > .zero, !step.rows.isEmpty else { return }
    defer {
      let hasPrompts = batch.summary.multiTokenRows > 0
      if PowerReserve.isDrawnOn(by: launch, hasPrompts: hasPrompts) {
        promptGap = .zero
      } else {
        pause(for: gpu)
      }
    }
    batch.orderRows()
    var padded = batch
    context.pad(&padded)
    guard case .variant(let variant) = policy.choose(for: padded.summary, in: context) else {
      return
    }
    steps.append(
      Step(
        batch: padded, variant: variant, launch: launch, gpu: gpu, promptGap: promptGap))
  }

  private mutating func pause(for time: Nanoseconds) {
    promptGap = promptGap.map { $0.addingPause(time) }
  }

  /// The steps with their attention as fitted kernels time it; those that cannot be timed are left
  /// out.
  func observations(_ attention: ProfileAttentionTiming) -> [StepObservation] {
    let launch = host.middleLaunch
    return steps.compactMap { step in
      guard
        let time = try? attention.attentionTime(of: step.variant, for: step.batch, in: context)
      else { return nil }
      return StepObservation(
        launch: step.launch, family: step.variant.family, attention: time * shape.layers,
        gpu: step.gpu, hasPrompts: step.batch.summary.multiTokenRows > 0,
        promptGap: step.promptGap, launchTime: step.launch.isFullGraph ? .zero : launch)
    }
  }

  /// Attention calls inside the engine: GPU time less the rest of the step, over the layers.
  ///
  /// A few steps, evenly chosen among those that are one graph and in which attention stands out of
  /// what is uncertain about the rest.
  func engineCalls(rest: RestOfStep) -> [KernelMeasurement] {
    let calls = steps.compactMap { step -> KernelMeasurement? in
      guard step.launch.isFullGraph, step.promptGap.map({ $0 > Self.restedAfter }) ?? true else {
        return nil
      }
      let known = rest.time(of: step.launch)
      let attention = (step.gpu - known).microseconds
      let spread = StepObservation.restSpread * known.microseconds
      guard attention > Self.spreadsMin * spread else { return nil }
      return KernelMeasurement(
        batch: step.batch, context: context, variant: step.variant,
        microseconds: attention / Double(shape.layers), uncertainty: spread / attention,
        isInEngine: true)
    }
    let stride = max(1, calls.count / Self.engineCallsMax)
    return calls.indices.filter { $0 % stride == stride / 2 }.map { calls[$0] }
  }

  /// A GPU's clock has come back so long after a prompt.
  private static let restedAfter = Nanoseconds(150_000_000)
  /// Calls taken from one recording, so that none outweighs the others.
  private static let engineCallsMax = 48
  /// Attention below so many times the rest's uncertainty would drown in it.
  private static let spreadsMin = 2.0
}

/// One recorded step with its attention as a timing predicts it.
struct StepObservation: Hashable, Sendable {
  var launch: StepLaunch
  /// What attention ran on.
  var family: KernelFamily
  /// Attention over all layers.
  var attention: Nanoseconds
  /// GPU time as it was recorded.
  var gpu: Nanoseconds
  /// Whether a row has several tokens.
  var hasPrompts: Bool
  /// The GPU's other work and pauses since the last step with prompts; `nil` where there was none.
  var promptGap: Nanoseconds?
  /// What launching a step in pieces took the host in the middle; zero where unknown.
  var launchTime: Nanoseconds
  /// Microseconds of the rest that are known to be lost to the power limit.
  private(set) var loss = 0.0

  /// How far the rest of one size differs from step to step, as a fraction.
  static let restSpread = 0.004
  /// How far a kernel's model is off, as a fraction.
  static let attentionSpread = 0.03

  init(
    launch: StepLaunch, family: KernelFamily, attention: Nanoseconds, gpu: Nanoseconds,
    hasPrompts: Bool, promptGap: Nanoseconds? = nil, launchTime: Nanoseconds = .zero
  ) {
    self.launch = launch
    self.family = family
    self.attention = attention
    self.gpu = gpu
    self.hasPrompts = hasPrompts
    self.promptGap = promptGap
    self.launchTime = launchTime
  }

  /// A GPU that is at a step for less than so many launches may have waited for the launch.
  static let launchMargin = 1.1

  /// Whether it draws on the reserve of the GPU's power.
  var drawsPower: Bool { PowerReserve.isDrawnOn(by: launch, hasPrompts: hasPrompts) }

  /// GPU time less attention and loss, in microseconds.
  var rest: Double { (gpu - attention).microseconds - loss }

  /// The step as it would have been with so much less lost, in microseconds.
  func without(loss: Double) -> StepObservation {
    var step = self
    step.loss += loss
    return step
  }

  /// The step with so many times its rest.
  func scaled(rest factor: Double) -> StepObservation {
    var step = self
    step.loss = 0
    step.gpu = attention + Nanoseconds(microseconds: rest * factor)
    return step
  }

  /// As the power limit sees it, where reading weights takes `floor` microseconds.
  func work(floor: Double) -> PromptWork {
    PromptWork(floor: floor, attention: attention.microseconds, isTriton: family.isTriton)
  }

  /// Whether the step is in pieces, and its attention so short that what is left is the rest's own.
  var showsSpread: Bool {
    !launch.isFullGraph && attention.microseconds < Self.spreadShareMax * gpu.microseconds
  }

  /// Attention's share of a step above which what is wrong about it would be more than the rest's spread.
  static let spreadShareMax = restSpread / attentionSpread

  /// What this step tells of the rest: little where attention, which is only predicted, is most of
  /// it.
  var weight: Double {
    let own = Self.restSpread * gpu.microseconds
    let predicted = Self.attentionSpread * attention.microseconds
    return 1 / (own * own + predicted * predicted)
  }
}
