/// MLA decode as it was in 2025: four splits, whatever the batch.
struct VLLMMLA4SplitsPolicy: SelectionPolicy {
  let name = "vllm-mla-4-splits"
  let explanation =
    "Every decode row of an MLA model runs on the Triton kernel of 2025 with 4 splits of its KV."
  let source = "vLLM until 2026-04-02 (NUM_KV_SPLITS in backends/mla/triton_mla.py)"
  let variants: [KernelVariant] = [KernelVariant(.tritonMLA2025, segments: 4)]

  /// The policy; it has no parameters.
  init() {}

  func choose(for batch: BatchSummary, in context: AttentionContext) -> VariantChoice {
    .variant(variants[0])
  }
}
