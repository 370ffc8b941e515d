extension KernelFamily {
  /// Whether kernels of this family run every batch, prompts of any length included.
  ///
  /// The others run single-token rows, or rows of a few tokens, and need another kernel beside them.
  public var runsPrompts: Bool { [.triton2D, .flashAttention3].contains(self) }

  /// Whether the time of a batch of single tokens depends on the order of its rows.
  ///
  /// CTAs start in that order. Without a split one CTA walks a whole row, and two long ones on one SM
  /// slow each other; FlashAttention 3 takes as long as its last part, and a long last row has a long one.
  /// Where all rows are cut into as many parts there are too many for one to matter.
  public var timeFollowsRowOrder: Bool { [.triton2D, .flashAttention3].contains(self) }
}

extension RuleQuantity {
  /// Whether the number is known when a CUDA graph of a whole step is captured.
  ///
  /// The launch is frozen then, for one number of padded rows; lengths differ from replay to replay.
  public var isKnownAtCapture: Bool {
    switch self {
    case .rows, .tokens, .maxQueryLength, .queryBlocksTimesKVHeads, .kvHeads, .smCount: true
    case .maxKVLength, .meanKVLength, .sumKVLength, .skew: false
    }
  }
}
