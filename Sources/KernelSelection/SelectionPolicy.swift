/// A rule from a batch to the kernel variant that executes it; also called a heuristic.
///
/// A policy is a value: the same batch and context always give the same choice. To add one, write a
/// type in a file of its own, a line in `SelectionPolicies.all`, and a row in its table test.
public protocol SelectionPolicy: Sendable {
  /// The name that the command line and reports use.
  var name: String { get }
  /// One sentence that says what the rule does.
  var explanation: String { get }
  /// Where the rule comes from: release, pull request or file.
  var source: String { get }
  /// Every variant that the rule can choose, in a fixed order.
  var variants: [KernelVariant] { get }
  /// Whether only the variant that it chooses for a batch is timed for it, and none of the others.
  ///
  /// So it is where `variants` lists far more than any batch admits, such as every number of splits.
  var timesItsChoiceAlone: Bool { get }

  /// The choice for a batch, seen with its graph padding.
  func choose(for batch: BatchSummary, in context: AttentionContext) -> VariantChoice
}

extension SelectionPolicy {
  /// All variants are timed, so that a choice can be held to the others.
  public var timesItsChoiceAlone: Bool { false }
}

/// What a policy decides for one batch.
public enum VariantChoice: Hashable, Sendable {
  /// This variant.
  case variant(KernelVariant)
  /// Whichever of the policy's `variants` is fastest for the batch: the oracle's choice, which only
  /// the layer that knows times can resolve.
  case fastest
}
