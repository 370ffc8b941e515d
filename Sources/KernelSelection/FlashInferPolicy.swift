/// FlashInfer for everything; it plans its own splits.
struct FlashInferPolicy: SelectionPolicy {
  let name = "flashinfer"
  let explanation =
    "Every batch runs on FlashInfer, which plans chunks of KV pages to fill the GPU."
  let source = "FlashInfer's scheduler.cuh; vLLM's second choice on H100 and H200"
  let variants: [KernelVariant] = [.flashInfer]

  /// The policy; it has no parameters.
  init() {}

  func choose(for batch: BatchSummary, in context: AttentionContext) -> VariantChoice {
    .variant(.flashInfer)
  }
}
