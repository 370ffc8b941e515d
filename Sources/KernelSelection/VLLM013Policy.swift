internal import TraceModel

/// The rule since split-KV runs inside CUDA graphs: a limit on rows that is itself a captured size.
///
/// 2D iff `max_query_len > 1` or `padded rows > threshold`.
struct VLLM013Policy: SelectionPolicy {
  let name = "vllm-0.13"
  let explanation =
    "Split-KV (16 segments) iff every row is one token and rows, graph padding included, are at most "
    + "128 / KV heads, moved to the closest captured size where decode steps are graphs."
  let source = "vLLM 0.13 to 0.32, PR #28306 (9c0ee99, 2025-12-12)"
  let variants: [KernelVariant] = [.triton2D, .triton3D16]

  /// The policy; it has no parameters.
  init() {}

  func choose(for batch: BatchSummary, in context: AttentionContext) -> VariantChoice {
    let splits = batch.isSingleTokenOnly && batch.paddedRows <= Self.rowsMax(in: context)
    return .variant(splits ? .triton3D16 : .triton2D)
  }

  /// The most rows on split-KV (`seq_threshold_3D`).
  static func rowsMax(in context: AttentionContext) -> Int {
    let rows = VLLM092Policy.launchGridMax / context.kvHeads
    guard context.graphs.mode.capturesDecodeSteps else { return rows }
    return context.graphs.captureSize(closestTo: rows) ?? rows
  }
}

extension CUDAGraphs {
  /// The captured size with the least distance to `tokens`, the smaller of two equals; `nil` without
  /// sizes.
  func captureSize(closestTo tokens: Int) -> Int? {
    let above = captureSizes.partitioningIndex { $0 >= tokens }
    guard above < captureSizes.count else { return captureSizes.last }
    guard above > 0 else { return captureSizes[above] }
    let (lower, upper) = (captureSizes[above - 1], captureSizes[above])
    return tokens - lower <= upper - tokens ? lower : upper
  }
}
