/// Splits the KV of decode batches up to a given number of rows.
struct SplitUpToPolicy: SelectionPolicy {
  let name: String
  let explanation: String
  let source = "for sweeps; vLLM 0.13's rule with another threshold"
  let variants: [KernelVariant] = [.triton2D, .triton3D16]

  /// The most rows on split-KV, padding included.
  let rowsMax: Int

  /// The rule for a threshold of at least 0.
  init(rows rowsMax: Int) {
    precondition(rowsMax >= 0, "a threshold counts rows")
    self.rowsMax = rowsMax
    name = "split-up-to:\(rowsMax)"
    explanation =
      "split-up-to:N is split-KV (16 segments) iff every row is one token and rows, graph padding "
      + "included, are at most N (here \(rowsMax))."
  }

  func choose(for batch: BatchSummary, in context: AttentionContext) -> VariantChoice {
    let splits = batch.isSingleTokenOnly && batch.paddedRows <= rowsMax
    return .variant(splits ? .triton3D16 : .triton2D)
  }
}
