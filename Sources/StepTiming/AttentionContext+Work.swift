import KernelSelection

extension AttentionContext {
  /// Bytes that one CTA streams per token of a KV head, over those of heads of 128, for which the
  /// models' paces are given.
  var bytesPerTokenRatio: Double { Double(headSize) / 128 }

  /// Query tokens that one CTA of the unified kernel covers: its rows over the heads it packs.
  func queryBlockSize(blockM: Int) -> Int { max(1, blockM / queryHeadsPerKVHead) }
}
