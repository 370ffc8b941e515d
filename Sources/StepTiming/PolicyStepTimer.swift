public import KernelSelection
public import TraceModel

/// Step times of one policy: its choice for the padded batch, attention × layers, rest of step.
public struct PolicyStepTimer: StepTimer, Sendable {
  private let policy: any SelectionPolicy
  private let attention: any AttentionTiming
  /// What the batches are launched on.
  public let context: AttentionContext
  private let layers: Int
  private let rest: RestOfStep
  /// Variants that batches are timed under: the policy's own first.
  public let candidates: [KernelVariant]
  /// Whether a candidate is timed for every batch; the others where a policy chooses them.
  private let isAlwaysTimed: [Bool]
  /// Policies of which a batch is timed under the choice alone.
  private let choosing: [any SelectionPolicy]
  /// For each candidate, its pace where that is not 1.
  private let paces: [[(launch: LaunchSize, factor: Double)]]
  private var times: [Nanoseconds?]
  /// Rows of prompts so far: by them, policies whose batches part meet the same spread again.
  private var promptRows: UInt32 = 0
  /// What is left of the GPU's power.
  private var reserve: PowerReserve

  /// A timer for one replay.
  ///
  /// - `layers`: transformer layers, each with one attention call per step
  /// - `pace`: how the engine runs its kernels beside their timing
  /// - `candidates`: variants that regret is measured against, beside the policy's own
  /// - `rivals`: policies whose choices it is measured against too
  public init(
    policy: any SelectionPolicy, attention: any AttentionTiming, context: AttentionContext,
    layers: Int, rest: RestOfStep, pace: KernelPace = .asTimed, candidates: [KernelVariant],
    rivals: [any SelectionPolicy] = []
  ) throws(TimingError) {
    self.policy = policy
    self.attention = attention
    self.context = context
    self.layers = layers
    self.rest = rest
    reserve = PowerReserve(rest.limit)
    var all = policy.variants
    for candidate in rivals.flatMap(\.variants) + candidates where !all.contains(candidate) {
      all.append(candidate)
    }
    for variant in all where !attention.variants.contains(variant) {
      throw .variantWithoutTiming(
        variant: variant.name, available: attention.variants.map(\.name))
    }
    let judged = [policy] + rivals
    var always = Set(candidates)
    for policy in judged where !policy.timesItsChoiceAlone { always.formUnion(policy.variants) }
    self.candidates = all
    isAlwaysTimed = all.map(always.contains)
    choosing = judged.filter(\.timesItsChoiceAlone)
    paces = all.map { pace.factors(of: $0) }
    times = Array(repeating: nil, count: all.count)
  }

  /// Time of a step with this batch, which is padded and ordered on the way.
  public mutating func time(of batch: inout AttentionBatch) throws(TimingError) -> StepTime {
    let launch = context.pad(&batch)
    batch.orderRows()
    var fastest = 0
    let chosenAlone = choosing.map { $0.choose(for: batch.summary, in: context) }
    for index in candidates.indices {
      guard isAlwaysTimed[index] || chosenAlone.contains(.variant(candidates[index])) else {
        times[index] = nil
        continue
      }
      times[index] = try timeIfRunnable(candidates[index], batch, index, launch)
      if let time = times[index], time < (times[fastest] ?? Nanoseconds(.max)) { fastest = index }
    }
    let chosen = try choose(batch, fastest: fastest)
    guard let attentionTime = times[chosen], let fastestTime = times[fastest] else {
      // Asked again for the reason, which does not count where a policy chooses another variant.
      _ = try attention.attentionTime(of: candidates[chosen], for: batch, in: context)
      throw .batchWithoutTiming(variant: candidates[chosen].name, batch: batch.summary.words)
    }
    let hasPrompts = batch.summary.multiTokenRows > 0
    let drawsPower = PowerReserve.isDrawnOn(by: launch, hasPrompts: hasPrompts)
    let rest = nextRest(
      launch, batch.summary, attention: attentionTime * layers, candidates[chosen].family,
      drawsPower: drawsPower)
    let time = StepTime(
      attention: attentionTime * layers, rest: rest,
      regret: (attentionTime - fastestTime) * layers, variant: candidates[chosen],
      fastest: candidates[attentionTime == fastestTime ? chosen : fastest], launch: launch,
      hasPrompts: hasPrompts, rows: batch.summary.rows)
    if !drawsPower { reserve.recover(for: time.gpu) }
    return time
  }

  /// The GPU has paused, too.
  public mutating func pause(for time: Nanoseconds) { reserve.recover(for: time) }

  /// Steps in pieces meet their spread from another place on.
  public mutating func begin(afterLaunches count: Int) {
    promptRows = UInt32(truncatingIfNeeded: count)
  }

  /// The rest of a step, spread as steps in pieces are.
  private mutating func nextRest(
    _ launch: StepLaunch, _ batch: BatchSummary, attention: Nanoseconds, _ family: KernelFamily,
    drawsPower: Bool
  ) -> Nanoseconds {
    let mean =
      drawsPower
      ? rest.time(ofPromptsIn: launch, attention: attention, family: family, reserve: &reserve)
      : rest.time(ofDecodeIn: launch, attention: attention, reserve: reserve)
    guard !launch.isFullGraph else { return mean }
    defer { promptRows &+= UInt32(clamping: max(1, batch.multiTokenRows)) }
    let factor = rest.spread.factor(after: promptRows)
    return mean.scaled(by: factor)
  }

  private func paced(_ time: Nanoseconds, _ index: Int, _ launch: StepLaunch) -> Nanoseconds {
    let size = LaunchSize(launch)
    guard let entry = paces[index].first(where: { $0.launch == size }) else { return time }
    return time.scaled(by: entry.factor)
  }

  /// Attention of the last batch over all layers under each of `candidates`; `nil` where one cannot
  /// run it, or is not timed for it.
  public var candidateTimes: [Nanoseconds?] { times.map { time in time.map { $0 * layers } } }

  private func choose(_ batch: AttentionBatch, fastest: Int) throws(TimingError) -> Int {
    switch policy.choose(for: batch.summary, in: context) {
    case .variant(let variant):
      guard let index = candidates.firstIndex(of: variant) else {
        throw .variantWithoutTiming(
          variant: variant.name, available: attention.variants.map(\.name))
      }
      return index
    case .fastest:
      // Among the policy's own variants, which stand first.
      var best: Int?
      for index in policy.variants.indices {
        guard let time = times[index] else { continue }
        if let known = best, let bestTime = times[known], bestTime <= time { continue }
        best = index
      }
      return best ?? fastest
    }
  }

  /// The time of a variant, or `nil` where it cannot run such a batch in any step's time, which only counts
  /// against a policy that chooses it.
  private func timeIfRunnable(
    _ variant: KernelVariant, _ batch: AttentionBatch, _ index: Int, _ launch: StepLaunch
  ) throws(TimingError) -> Nanoseconds? {
    do throws(TimingError) {
      let timed = try attention.attentionTime(of: variant, for: batch, in: context)
      let time = paces[index].isEmpty ? timed : paced(timed, index, launch)
      return time.rawValue <= TimingLimits.stepMax.rawValue / Int64(layers) ? time : nil
    } catch .batchWithoutTiming {
      return nil
    }
  }
}
