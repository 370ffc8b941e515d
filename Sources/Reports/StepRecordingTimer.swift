public import KernelSelection
public import StepTiming
public import TraceModel

/// Passes on another timer's answers, counts the variants in them and, if asked to, keeps every step.
public struct StepRecordingTimer<Base: StepTimer>: StepTimer {
  /// The timer that is asked.
  public var base: Base
  /// What was chosen so far.
  public private(set) var use = VariantUse()
  /// Every step so far; `nil` unless steps are kept.
  public private(set) var record: StepRecord?

  /// A recorder around a timer; `keepsSteps` costs about 70 bytes a step.
  public init(_ base: Base, keepsSteps: Bool) {
    self.base = base
    record = keepsSteps ? StepRecord() : nil
  }

  /// The other timer's answer.
  @inlinable
  public mutating func time(of batch: inout AttentionBatch) throws(TimingError) -> StepTime {
    let time = try base.time(of: &batch)
    add(time, of: batch.summary)
    return time
  }

  /// The other timer's engine has rested.
  public mutating func pause(for time: Nanoseconds) { base.pause(for: time) }

  /// The other timer begins elsewhere.
  public mutating func begin(afterLaunches count: Int) { base.begin(afterLaunches: count) }

  @usableFromInline
  mutating func add(_ time: StepTime, of batch: BatchSummary) {
    use.add(time.variant)
    record?.add(time, of: batch)
  }
}

extension StepRecordingTimer: Sendable where Base: Sendable {}
