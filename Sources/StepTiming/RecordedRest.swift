public import KernelSelection
public import TraceModel

/// Takes the GPU times of a recording apart: the rest of step, and the pace of the kernels that it ran.
///
/// A step's GPU time = rest of its size + pace × attention, attention by the same timing that the replay
/// uses. Both are found for each size of launch from all of its steps, by least squares with what is known
/// before: the profile's rest (within `restSpread`) and the kernel as timed (within `attentionSpread`).
/// Where attention varies, the steps themselves tell the two apart; where it is small, nearly all goes to
/// the rest, and where it is most of the step, to the pace. On average over a size, a replay under the
/// recorded policy gives back the recorded step times exactly; under another policy, only what its kernels
/// share with the recorded ones is taken from the recording.
public struct RecordedRest: Sendable {
  /// How far machines of one kind differ, as a fraction of the rest.
  private static let restSpread = 0.02
  /// How far kernels in an engine are from their timing, as a fraction.
  private static let attentionSpread = 0.03
  /// How far one step is from the sum of its parts: of its GPU time, and of its attention.
  private static let stepSpread = (gpu: 0.004, attention: 0.015)
  /// Steps of one size count as no more than so many independent ones: what the timing gets wrong, it
  /// gets wrong in all of them.
  private static let independentSteps = 8.0
  /// Steps that the spread is read from; the first ones.
  private static let spreadStepsMax = 65_536

  /// Sums over the steps of one size of launch under one variant.
  fileprivate struct Sums {
    var steps = 0.0
    var gpu = 0.0
    var attention = 0.0
    /// The same weighted, with squares and products.
    var weight = 0.0
    var weightedGPU = 0.0
    var weightedAttention = 0.0
    var attentionSquared = 0.0
    var attentionTimesGPU = 0.0
  }

  private struct Key: Hashable, Comparable {
    let launch: LaunchSize
    let variant: KernelVariant

    static func < (a: Self, b: Self) -> Bool {
      (a.launch, a.variant.name) < (b.launch, b.variant.name)
    }
  }

  private let prior: RestOfStep?
  private let host: HostTiming?
  private var timer: PolicyStepTimer
  private var rows: BatchRows
  private var batch = AttentionBatch()
  private var reserve: PowerReserve
  private var lastOutput: Nanoseconds?
  private var sums: [Key: Sums] = [:]
  /// Steps in pieces with little attention, for the spread.
  private var stepsInPieces: [(size: LaunchSize, rest: Double)] = []

  /// A collector.
  ///
  /// - `policy`: the one in force while recording
  /// - `prior`: the profile's rest of the same model; `nil` where nothing is known
  /// - `host`: the recording's own, if known; steps whose GPU waited for the launch tell nothing of the GPU
  /// - `rows`: the engine's, before its first step
  public init(
    policy: any SelectionPolicy, attention: any AttentionTiming, context: AttentionContext,
    layers: Int, prior: RestOfStep?,
    host: HostTiming? = nil, rows: BatchRows = BatchRows()
  ) throws(TimingError) {
    self.rows = rows
    timer = try PolicyStepTimer(
      policy: policy, attention: attention, context: context, layers: layers,
      rest: RestOfStep(graphs: [], pieces: []), candidates: [])
    self.prior = prior
    self.host = host
    reserve = PowerReserve(prior?.limit ?? .none)
  }

  /// Takes a step in; one without GPU time or rows tells nothing.
  public mutating func add(_ step: TraceStep) throws(TimingError) {
    if let lastOutput { reserve.recover(for: max(.zero, step.scheduleStart - lastOutput)) }
    lastOutput = step.output ?? lastOutput
    rows.fill(&batch, with: step.rows)
    guard let recorded = step.gpuTime, recorded > .zero, !step.rows.isEmpty else { return }
    let time = try timer.time(of: &batch)
    let gpu = recorded - loss(of: time, gpu: recorded)
    guard !isBoundByLaunch(time, gpu: recorded) else { return }
    let size = LaunchSize(time.launch)
    sums[Key(launch: size, variant: time.variant), default: Sums()].add(
      gpu: gpu.microseconds, attention: time.attention.microseconds, spread: Self.stepSpread)
    let share = time.attention.microseconds / gpu.microseconds
    if !size.isGraph, share < StepObservation.spreadShareMax,
      stepsInPieces.count < Self.spreadStepsMax
    {
      stepsInPieces.append((size, (gpu - time.attention).microseconds))
    }
  }

  /// What the step just timed lost to the power limit, as the profile knows that.
  private mutating func loss(of time: StepTime, gpu: Nanoseconds) -> Nanoseconds {
    let hasPrompts = batch.summary.multiTokenRows > 0
    guard let prior, PowerReserve.isDrawnOn(by: time.launch, hasPrompts: hasPrompts) else {
      let rest = max(0, (gpu - time.attention).microseconds)
      let full = reserve.fullClockDecode(rest: rest, attention: time.attention.microseconds)
      reserve.recover(for: gpu)
      return Nanoseconds(microseconds: rest - full)
    }
    let rest = max(0, (gpu - time.attention).microseconds)
    let work = prior.work(attention: time.attention, family: time.variant.family)
    let loss = rest - reserve.fullClock(rest: rest, of: work)
    return Nanoseconds(microseconds: loss)
  }

  /// Whether the GPU waits for the launch of such a step.
  ///
  /// That goes by what the profile expects of it, if it knows steps in pieces: of a size whose GPU mostly waits, those
  /// that took longest are no measure.
  private func isBoundByLaunch(_ time: StepTime, gpu: Nanoseconds) -> Bool {
    guard let host, !time.launch.isFullGraph else { return false }
    let expected =
      prior.flatMap { $0.pieces.isEmpty ? nil : time.attention + $0.time(of: time.launch) } ?? gpu
    return expected.seconds
      < StepObservation.launchMargin
      * host.launch(
        of: time.launch, attention: time.variant.family, hasPrompts: time.hasPrompts
      ).seconds
  }

  /// The rest by launch, and the pace of the kernels that ran.
  public var parts: (rest: RestOfStep, pace: KernelPace) {
    var graphs: [RestOfStep.Point] = []
    var pieces: [RestOfStep.Point] = []
    var paces: [KernelPace.Entry] = []
    let keys = sums.keys.sorted()
    var index = 0
    while index < keys.count {
      let launch = keys[index].launch
      let same = keys[index...].prefix { $0.launch == launch }
      index += same.count
      let rest = rest(of: launch, keys: same)
      let point = RestOfStep.Point(tokens: launch.tokens, microseconds: rest)
      if launch.isGraph { graphs.append(point) } else { pieces.append(point) }
      for key in same {
        guard let sums = sums[key], sums.attention > 0 else { continue }
        let factor = (sums.gpu - sums.steps * rest) / sums.attention
        paces.append(.init(variant: key.variant, launch: launch, factor: max(0, factor)))
      }
    }
    let rest = RestOfStep(graphs: graphs, pieces: pieces)
    let spread = RestSpread(
      stepsInPieces.map { step in
        (step.rest, step.rest / rest.time(of: .eager(tokens: step.size.tokens)).microseconds)
      })
    return (
      RestOfStep(
        graphs: graphs, pieces: pieces, spread: spread, limit: prior?.limit ?? .none),
      KernelPace(paces)
    )
  }

  /// The rest of one size of launch: that of each variant by how well its steps tell it.
  private func rest(of launch: LaunchSize, keys: ArraySlice<Key>) -> Double {
    let known = prior.map { prior in
      prior.time(
        of: launch.isGraph
          ? .fullGraph(paddedTokens: launch.tokens) : .eager(tokens: launch.tokens)
      ).microseconds
    }
    var (sum, precisions) = (0.0, 0.0)
    for key in keys {
      guard let sums = sums[key] else { continue }
      let (rest, precision) = Self.solve(sums, known: known)
      sum += rest * precision
      precisions += precision
    }
    return precisions > 0 ? sum / precisions : known ?? 0
  }

  /// The normal equations of `gpu = rest + pace × attention` with both priors; the precision is 1 / σ².
  private static func solve(_ sums: Sums, known: Double?) -> (rest: Double, precision: Double) {
    let share = min(1, independentSteps / sums.steps)
    let restPrecision = known.map { 1 / max(1, (restSpread * $0) * (restSpread * $0)) } ?? 0
    let pacePrecision = 1 / (attentionSpread * attentionSpread)
    let a = share * sums.weight + restPrecision
    let b = share * sums.weightedAttention
    let c = share * sums.attentionSquared + pacePrecision
    let right = (
      share * sums.weightedGPU + restPrecision * (known ?? 0),
      share * sums.attentionTimesGPU + pacePrecision
    )
    let determinant = a * c - b * b
    guard determinant > 0 else { return (known ?? 0, 0) }
    return ((c * right.0 - b * right.1) / determinant, determinant / c)
  }
}

extension RecordedRest.Sums {
  fileprivate mutating func add(
    gpu: Double, attention: Double, spread: (gpu: Double, attention: Double)
  ) {
    let deviation = (spread.gpu * gpu, spread.attention * attention)
    let weight = 1 / max(1e-6, deviation.0 * deviation.0 + deviation.1 * deviation.1)
    steps += 1
    self.gpu += gpu
    self.attention += attention
    self.weight += weight
    weightedGPU += weight * gpu
    weightedAttention += weight * attention
    attentionSquared += weight * attention * attention
    attentionTimesGPU += weight * attention * gpu
  }
}
