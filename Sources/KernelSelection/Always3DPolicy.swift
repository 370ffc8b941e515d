/// Splits the KV of every batch that split-KV can run.
struct Always3DPolicy: SelectionPolicy {
  let name = "always-3d"
  let explanation =
    "Every batch of single-token rows runs on the 3D kernel with 16 segments; a batch with any "
    + "multi-token row runs on 2D, because split-KV could not run such rows before vLLM 0.33."
  let source = "limit of the kernels; 3D as of vLLM 0.9.2 (PR #19152)"
  let variants: [KernelVariant] = [.triton2D, .triton3D16]

  /// The policy; it has no parameters.
  init() {}

  func choose(for batch: BatchSummary, in context: AttentionContext) -> VariantChoice {
    .variant(batch.isSingleTokenOnly ? .triton3D16 : .triton2D)
  }
}
