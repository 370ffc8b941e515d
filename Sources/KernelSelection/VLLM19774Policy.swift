/// MLA decode with the first stage in two parts, as a pull request of 2025 proposed.
///
/// The four splits stay; each is spread over 32 programs that leave their parts in scratch.
struct VLLM19774Policy: SelectionPolicy {
  let name = "vllm-19774"
  let explanation =
    "Every decode row of an MLA model runs on PR #19774's kernel: 4 splits, each spread over 32 pages."
  let source = "vLLM PR #19774 (2025-06-17, not merged)"
  let variants: [KernelVariant] = [KernelVariant(.tritonMLAPages, segments: 4)]

  /// The policy; it has no parameters.
  init() {}

  func choose(for batch: BatchSummary, in context: AttentionContext) -> VariantChoice {
    .variant(variants[0])
  }
}
