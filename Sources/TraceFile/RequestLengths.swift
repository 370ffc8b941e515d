internal import TraceModel

/// What of a request predicts its rows.
struct RequestLengths: Hashable {
  /// Tokens of the prompt.
  let prompt: Int32
  /// Tokens in the cache after the last row: the last token that is generated is never computed on.
  let end: Int32

  init(promptTokens: TokenCount, outputTokens: TokenCount) {
    prompt = promptTokens.rawValue
    let total = Int64(prompt) + Int64(outputTokens.rawValue) - 1
    end = Int32(clamping: min(total, Int64(TraceFileLimits.tokensMax)))
  }
}
