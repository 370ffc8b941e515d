import KernelSelection

extension AttentionContext {
  /// Bytes that one CTA streams per token of a KV head, over those of heads of 128, for which the
  /// models' paces are given.
  var bytesPerTokenRatio: Double { Double(headSize) / 128 }
}
