extension BatchSummary {
  /// Its rows in words, for errors.
  public var words: String { "\(rows) rows, \(multiTokenRows) of them prompts" }

  /// New tokens that attention is launched over, graph padding included.
  ///
  /// A padding row stands for one token, so a padded launch has as many tokens as padded rows, unless
  /// rows with several tokens already exceed that.
  public var launchedTokens: Int { max(tokens, paddedRows) }

  /// Longest row over mean row, in tokens to attend to; 1 for equal rows, 0 for an empty batch.
  public var skew: Double {
    totalKVLength == 0 ? 0 : Double(maxKVLength) * Double(rows) / Double(totalKVLength)
  }

  /// Query blocks of the unified Triton kernel's launch: `floor(tokens / blockQ) + rows`, padded.
  ///
  /// An upper bound that needs no row's length on the host; surplus blocks exit at once.
  public func queryBlocks(in context: AttentionContext) -> Int {
    launchedTokens / context.queryTokensPerBlock + paddedRows
  }
}

extension AttentionContext {
  /// Query tokens that one block of the unified Triton kernel holds (`BLOCK_Q`).
  ///
  /// A block has 16 rows (`BLOCK_M`), or the next power of two where more query heads share a KV head;
  /// a row is one query head of one token. vLLM 0.9.2 had 16 rows alone, and so could not run a ratio
  /// above 16, for which both forms give one token.
  public var queryTokensPerBlock: Int { max(1, 16 / queryHeadsPerKVHead) }
}
