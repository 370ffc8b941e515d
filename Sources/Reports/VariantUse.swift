public import KernelSelection
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
