internal import KernelSelection

extension KernelFamily {
  /// The rows of a batch that a kernel of the family sees; `nil` where there is none for it to run on.
  ///
  /// MLA decoding sees the single-token rows: vLLM runs prompts beside them on another kernel, over keys
  /// and values of full size, whichever policy is in force; that kernel's time counts as rest of the step.
  func rows(of batch: AttentionBatch) -> AttentionBatch? {
    guard isLatent else { return batch }
    guard !batch.summary.isSingleTokenOnly else { return batch.summary.rows > 0 ? batch : nil }
    let rows = zip(batch.queryLengths, batch.kvLengths).filter { $0.0 == 1 }
    guard !rows.isEmpty else { return nil }
    return AttentionBatch(rows: rows.map { (queryLength: $0.0, kvLength: $0.1) })
  }
}
