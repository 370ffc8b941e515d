public import KernelSelection
public import StepTiming
public import TraceModel

/// One step of a replay, as far as its attention under two policies goes.
public struct RegretStep: Sendable {
  /// The step's batch.
  public var batch: BatchSummary
  /// Attention under the policy.
  public var attention: Nanoseconds
  /// Attention under the other policy, for the same batch.
  public var other: Nanoseconds
  /// GPU time of the step under the policy.
  public var gpu: Nanoseconds

  /// Attention above the other policy's; negative where that is slower.
  public var regret: Nanoseconds { attention - other }
}

/// The batch with the most regret of a group of similar ones.
public struct WorstBatch: Sendable {
  /// New tokens per row, in the engine's order.
  public var queryLengths: [Int32]
  /// Tokens to attend to per row.
  public var kvLengths: [Int32]
  /// The step, counted from 0.
  public var step: Int
  /// What it cost.
  public var time: RegretStep
  /// What the policy chose.
  public var variant: KernelVariant
  /// What the other policy chose.
  public var otherVariant: KernelVariant
}

/// Passes on a policy's step times, and keeps what another policy would have chosen for each batch.
public struct RegretTimer: StepTimer, Sendable {
  private var base: PolicyStepTimer
  private let other: any SelectionPolicy
  /// Every step so far.
  public private(set) var steps: [RegretStep] = []
  /// The worst batch of each group with regret, in the order of their first appearance.
  public private(set) var worst: [WorstBatch] = []
  private var places: [BatchGroup: Int] = [:]

  /// A recorder around a policy's timer, whose candidates include the variants of `other`.
  public init(_ base: PolicyStepTimer, against other: any SelectionPolicy) {
    self.base = base
    self.other = other
  }

  /// The policy's answer.
  public mutating func time(of batch: inout AttentionBatch) throws(TimingError) -> StepTime {
    let time = try base.time(of: &batch)
    let (variant, otherTime) = try choiceOfOther(batch.summary)
    let step = RegretStep(
      batch: batch.summary, attention: time.attention, other: otherTime, gpu: time.gpu)
    if step.regret > .zero { keep(batch, step, time.variant, variant) }
    steps.append(step)
    return time
  }

  /// The other timer's engine has rested.
  public mutating func pause(for time: Nanoseconds) { base.pause(for: time) }

  private func choiceOfOther(
    _ batch: BatchSummary
  ) throws(TimingError) -> (KernelVariant, Nanoseconds) {
    let times = base.candidateTimes
    switch other.choose(for: batch, in: base.context) {
    case .variant(let variant):
      if let place = base.candidates.firstIndex(of: variant), let time = times[place] {
        return (variant, time)
      }
      throw .batchWithoutTiming(variant: variant.name, batch: Self.words(batch))
    case .fastest:
      var best: (KernelVariant, Nanoseconds)?
      for (place, variant) in base.candidates.enumerated() where other.variants.contains(variant) {
        if let time = times[place], time < best?.1 ?? Nanoseconds(.max) { best = (variant, time) }
      }
      guard let best else {
        throw .batchWithoutTiming(variant: other.name, batch: Self.words(batch))
      }
      return best
    }
  }

  private mutating func keep(
    _ batch: AttentionBatch, _ step: RegretStep, _ variant: KernelVariant, _ other: KernelVariant
  ) {
    let group = BatchGroup(BatchShape(batch.summary))
    let place = places[group]
    if let place, worst[place].time.regret >= step.regret { return }
    let entry = WorstBatch(
      queryLengths: batch.queryLengths, kvLengths: batch.kvLengths, step: steps.count, time: step,
      variant: variant, otherVariant: other)
    if let place {
      worst[place] = entry
    } else {
      places[group] = worst.count
      worst.append(entry)
    }
  }

  private static func words(_ batch: BatchSummary) -> String {
    "\(batch.rows) rows, \(batch.multiTokenRows) of them prompts"
  }
}
