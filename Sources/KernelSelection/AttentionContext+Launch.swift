/// How steps are launched and padded, as vLLM's dispatcher of CUDA graphs does (0.24).
extension AttentionContext {
  /// New tokens of a decode row: the one it is sure of, and those that are proposed.
  public var decodeTokens: Int { 1 + speculativeTokens }

  /// Whether every row has the tokens of a decode row, which graphs of decode steps are captured for.
  public func isUniformDecode(_ batch: BatchSummary) -> Bool {
    batch.maxQueryLength <= decodeTokens && batch.tokens == batch.rows * decodeTokens
  }

  /// How a step with such a batch is launched.
  ///
  /// Graphs of decode steps alone are captured up to as many rows as may run at once.
  public func launch(of batch: BatchSummary) -> StepLaunch {
    guard graphs.mode != .none, let size = graphs.captureSize(for: batch.tokens) else {
      return .eager(tokens: batch.tokens)
    }
    let isCapturedDecode =
      isUniformDecode(batch) && size >= decodeTokens
      && size <= (maxSequences ?? .max / decodeTokens) * decodeTokens
    switch graphs.mode {
    case .none: return .eager(tokens: batch.tokens)
    case .piecewise: return .piecewise(paddedTokens: size)
    case .full: return .fullGraph(paddedTokens: size)
    case .fullDecodeOnly:
      return isCapturedDecode ? .fullGraph(paddedTokens: size) : .eager(tokens: batch.tokens)
    case .fullAndPiecewise:
      return isCapturedDecode ? .fullGraph(paddedTokens: size) : .piecewise(paddedTokens: size)
    }
  }

  /// Pads a batch to the rows of its graph, where it is launched as one, and says how it is launched.
  @discardableResult public func pad(_ batch: inout AttentionBatch) -> StepLaunch {
    let launch = launch(of: batch.summary)
    guard case .fullGraph(let tokens) = launch else { return launch }
    let rows = graphs.mode == .full ? tokens : tokens / decodeTokens
    batch.pad(to: min(rows, maxSequences ?? rows))
    return launch
  }
}
