public import KernelSelection

/// Why no rule can be tuned or judged.
public enum TuningError: Error, Hashable, Sendable {
  /// There is nothing to learn from, or to judge on.
  case noBatches(trace: String)
  /// More batches than a search takes.
  case tooManyBatches(Int)
  /// Batches with prompts, and no variant that runs them.
  case noVariantForPrompts([KernelVariant])
  /// A rule chooses a variant that cannot run a batch.
  case cannotRun(rule: String, variant: String, batch: String)

  /// One line: what, and what to do.
  public var message: String {
    switch self {
    case .noBatches(let trace):
      "'\(trace)' has no batch in the chosen window; widen --from and --to"
    case .tooManyBatches(let count):
      "\(count) batches are more than \(TuningLimits.batchesMax); choose a part with --from and --to"
    case .noVariantForPrompts(let variants):
      "none of \(variants.map(\.name).joined(separator: ", ")) runs prompts, which the traces have; "
        + "add triton-2d to --variants"
    case .cannotRun(let rule, let variant, let batch):
      "'\(rule)' chooses \(variant), which cannot run a batch of \(batch); leave the rule out"
    }
  }
}
