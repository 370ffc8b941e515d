/// The oracle: for every batch whichever of a set of variants is fastest.
struct FastestPolicy: SelectionPolicy {
  let name: String
  let explanation: String
  let source = "lower bound for any rule over the same variants"
  let variants: [KernelVariant]

  /// The set that `fastest` alone stands for: what vLLM's rules choose between.
  static let defaultVariants: [KernelVariant] = [.triton2D, .triton3D16]

  /// The oracle over at least one variant; one that is named twice counts once.
  init(over given: [KernelVariant] = FastestPolicy.defaultVariants) {
    precondition(!given.isEmpty, "an oracle chooses among at least one variant")
    var variants: [KernelVariant] = []
    for variant in given where !variants.contains(variant) { variants.append(variant) }
    self.variants = variants
    let names = variants.map(\.name).joined(separator: ",")
    name = variants == Self.defaultVariants ? "fastest" : "fastest:\(names)"
    explanation =
      "The oracle: for each batch the fastest variant of a set that can run it, here \(names); "
      + "fastest:A,B,… names another set."
  }

  func choose(for batch: BatchSummary, in context: AttentionContext) -> VariantChoice {
    .fastest
  }
}
