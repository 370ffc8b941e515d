/// The rule that split-KV came with: 2D once its launch fills 128 CTAs.
///
/// 2D iff `max_query_len > 1` or `query blocks × KV heads > 128`. In that release graphs were cut
/// around attention, so the rule saw real rows; under an engine with full graphs it sees what the
/// kernel sees, padding rows included.
struct VLLM092Policy: SelectionPolicy {
  let name = "vllm-0.9.2"
  let explanation =
    "Split-KV (16 segments) iff every row is one token and query blocks × KV heads is at most 128, "
    + "where query blocks = floor(tokens / BLOCK_Q) + rows and BLOCK_Q = 16 / (query heads per KV head)."
  let source = "vLLM 0.9.2 to 0.12, PR #19152 (ccd7c05, 2025-06-17)"
  let variants: [KernelVariant] = [.triton2D, .triton3D16]

  /// CTAs from which a 2D launch counts as large enough.
  static let launchGridMax = 128

  /// The policy; it has no parameters.
  init() {}

  func choose(for batch: BatchSummary, in context: AttentionContext) -> VariantChoice {
    let splits =
      batch.isSingleTokenOnly
      && batch.queryBlocks(in: context) * context.kvHeads <= Self.launchGridMax
    return .variant(splits ? .triton3D16 : .triton2D)
  }
}
