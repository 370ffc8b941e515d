/// FlashAttention 3 for everything; it plans its own splits.
struct FlashAttention3Policy: SelectionPolicy {
  let name = "flash-attention-3"
  let explanation =
    "Every batch runs on FlashAttention 3, which chooses its own splits from lengths and SM count."
  let source = "vLLM's default backend on H100 and H200 (platforms/cuda.py, 0.33)"
  let variants: [KernelVariant] = [.flashAttention3]

  /// The policy; it has no parameters.
  init() {}

  func choose(for batch: BatchSummary, in context: AttentionContext) -> VariantChoice {
    .variant(.flashAttention3)
  }
}
