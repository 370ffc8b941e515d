/// Never splits the KV of a row.
struct Always2DPolicy: SelectionPolicy {
  let name = "always-2d"
  let explanation = "Every batch runs on the 2D kernel, without split-KV."
  let source = "vLLM before 0.9.2 (PR #16828); batch-invariant mode since PR #33688"
  let variants: [KernelVariant] = [.triton2D]

  /// The policy; it has no parameters.
  init() {}

  func choose(for batch: BatchSummary, in context: AttentionContext) -> VariantChoice {
    .variant(.triton2D)
  }
}
