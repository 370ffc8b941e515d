public import KernelSelection
public import TraceModel

/// The parts of one step's GPU time under one policy.
public struct StepTime: Hashable, Sendable {
  /// Attention over all layers, under the variant that the policy chose.
  public var attention: Nanoseconds
  /// Everything else that the GPU does in the step.
  public var rest: Nanoseconds
  /// Attention over all layers minus that of the fastest known variant; zero for the oracle where no other
  /// policy's variants are candidates.
  public var regret: Nanoseconds
  /// The variant that was chosen.
  public var variant: KernelVariant
  /// The fastest of the variants that regret is measured against.
  public var fastest: KernelVariant
  /// How the step was launched.
  public var launch: StepLaunch
  /// Whether some row has several new tokens.
  public var hasPrompts: Bool
  /// How many rows it has.
  public var rows: Int

  /// The parts of a step's time; without `fastest` the chosen variant was that.
  public init(
    attention: Nanoseconds, rest: Nanoseconds, regret: Nanoseconds, variant: KernelVariant,
    fastest: KernelVariant? = nil, launch: StepLaunch, hasPrompts: Bool = false,
    rows: Int = 0
  ) {
    self.attention = attention
    self.rest = rest
    self.regret = regret
    self.variant = variant
    self.fastest = fastest ?? variant
    self.launch = launch
    self.hasPrompts = hasPrompts
    self.rows = rows
  }

  /// GPU time of the step.
  public var gpu: Nanoseconds { attention + rest }
}

/// Times the steps of one replay under one policy.
///
/// The simulation asks once per step, in the order of steps; an implementation may keep state from
/// step to step (a cache, a cursor into a recording).
public protocol StepTimer {
  /// Time of a step with this batch. `batch` arrives unpadded and is padded here as the launch demands.
  mutating func time(of batch: inout AttentionBatch) throws(TimingError) -> StepTime

  /// The engine has paused before the step that is asked for next.
  mutating func pause(for time: Nanoseconds)

  /// Before the first step: what differs from step to step by chance is met as after so many launches.
  mutating func begin(afterLaunches count: Int)
}

extension StepTimer {
  /// Nothing changes by pausing.
  public mutating func pause(for time: Nanoseconds) {}

  /// Nothing differs by chance.
  public mutating func begin(afterLaunches count: Int) {}
}
