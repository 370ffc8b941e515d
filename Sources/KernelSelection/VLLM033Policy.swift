/// The rule since split-KV runs short multi-token rows, as speculative decoding verifies them.
///
/// 2D iff `max_query_len > 8`, or `padded rows × ceil(max_query_len / BLOCK_Q) > threshold`, or the
/// launch has more tokens than scratch rows. The threshold is that of 0.13; scratch has
/// `min(threshold, max_num_seqs) × min(1 + speculative tokens, 8)` rows. A short last chunk of a
/// prompt next to few decode rows thus runs on split-KV. Attention that is not causal, masked per
/// request or tuned for heads of 256 stays on 2D in vLLM and is not modelled.
public struct VLLM033Policy: SelectionPolicy {
  /// The name that the command line and reports use.
  public let name = "vllm-0.33"
  /// One sentence that says what the rule does.
  public let explanation =
    "Split-KV (16 segments) iff no row has more than 8 tokens, rows × ceil(longest query / BLOCK_Q) is "
    + "at most 128 / KV heads moved to the closest captured size, and tokens fit the scratch rows."
  /// Where the rule comes from.
  public let source = "vLLM 0.33.0 (2026-11-01)"
  /// Every variant that the rule can choose, each once.
  public let variants: [KernelVariant] = [.triton2D, .triton3D16]

  /// Tokens of a row that split-KV still runs (`MAX_3D_QUERY_LEN`).
  public static let queryLengthMax = 8

  /// The rule; what it asks of the engine stands in the context.
  public init() {}

  /// The choice for a batch, seen with its graph padding.
  public func choose(for batch: BatchSummary, in context: AttentionContext) -> VariantChoice {
    let threshold = VLLM013Policy.rowsMax(in: context)
    let blockQ = context.queryTokensPerBlock
    let blocksPerRow = (max(1, batch.maxQueryLength) + blockQ - 1) / blockQ
    let scratchRows =
      min(threshold, context.maxSequences ?? threshold)
      * min(1 + context.speculativeTokens, Self.queryLengthMax)
    let splits =
      batch.maxQueryLength <= Self.queryLengthMax
      && batch.paddedRows * blocksPerRow <= threshold && batch.launchedTokens <= scratchRows
    return .variant(splits ? .triton3D16 : .triton2D)
  }
}
