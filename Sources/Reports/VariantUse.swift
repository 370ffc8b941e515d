public import KernelSelection
public import StepTiming
internal import TraceModel

/// How many of a replay's steps ran under each kernel variant.
public struct VariantUse: Hashable, Sendable {
  /// One variant and its steps.
  public struct Entry: Hashable, Sendable {
    /// The variant.
    public var variant: KernelVariant
    /// Steps that it executed.
    public var steps: Int
  }

  /// Variants in the order in which they were first chosen.
  public private(set) var entries: [Entry] = []

  /// No steps yet.
  public init() {}

  /// Counts one step.
  @inline(__always)
  public mutating func add(_ variant: KernelVariant) {
    for index in entries.indices where entries[index].variant == variant {
      entries[index].steps += 1
      return
    }
    entries.append(Entry(variant: variant, steps: 1))
  }

  /// Variants by steps, most first; equal ones by name, so that order never depends on the replay.
  public var ordered: [Entry] {
    entries.sorted { ($1.steps, $0.variant.name) < ($0.steps, $1.variant.name) }
  }
}

/// Passes on another timer's answers and counts the variants in them.
public struct VariantCountingTimer<Base: StepTimer>: StepTimer {
  /// The timer that is asked.
  public var base: Base
  /// What was chosen so far.
  public private(set) var use = VariantUse()

  /// A counter around a timer.
  public init(_ base: Base) { self.base = base }

  /// The other timer's answer.
  @inlinable
  public mutating func time(of batch: inout AttentionBatch) throws(TimingError) -> StepTime {
    let time = try base.time(of: &batch)
    count(time.variant)
    return time
  }

  @usableFromInline
  mutating func count(_ variant: KernelVariant) { use.add(variant) }
}
