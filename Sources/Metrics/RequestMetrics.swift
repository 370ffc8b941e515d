public import TraceModel

/// What the caller of one request waited for.
///
/// Definitions of `vllm bench serve` (`calculate_metrics`); `meanITL` is what AIPerf
/// report as ITL, the mean over one request's own gaps. Divisions round to the nearest nanosecond.
public struct RequestMetrics: Hashable, Sendable {
  /// Time to first token: first token − arrival.
  public var ttft: Nanoseconds
  /// End-to-end latency: last token − arrival.
  public var e2el: Nanoseconds
  /// Tokens that came.
  public var tokens: Int
  /// Gaps between arrivals of tokens; fewer than `tokens − 1` where one message brought several.
  public var gaps: Int

  /// The metrics of a request with at least one token.
  ///
  /// - `gaps`: between messages that brought tokens; `tokens − 1` where each brought one
  public init(
    arrival: Nanoseconds, firstToken: Nanoseconds, lastToken: Nanoseconds, tokens: Int,
    gaps: Int? = nil
  ) {
    precondition(tokens >= 1 && firstToken <= lastToken, "tokens come one after another")
    ttft = firstToken - arrival
    e2el = lastToken - arrival
    self.tokens = tokens
    self.gaps = gaps ?? tokens - 1
  }

  /// The metrics of a request given when each of its tokens came; `nil` without any.
  public init?(arrival: Nanoseconds, tokenTimes: [Nanoseconds]) {
    guard let first = tokenTimes.first, let last = tokenTimes.last else { return nil }
    self.init(arrival: arrival, firstToken: first, lastToken: last, tokens: tokenTimes.count)
  }

  /// Time per output token: (E2EL − TTFT) / (tokens − 1); `nil` for a single token.
  public var tpot: Nanoseconds? { Self.divide(e2el - ttft, by: tokens - 1) }

  /// The mean of the request's own gaps; `nil` without any.
  public var meanITL: Nanoseconds? { Self.divide(e2el - ttft, by: gaps) }

  private static func divide(_ length: Nanoseconds, by parts: Int) -> Nanoseconds? {
    guard parts > 0 else { return nil }
    // Lengths are not negative here, so adding half a part rounds half up.
    return Nanoseconds((length.rawValue + Int64(parts / 2)) / Int64(parts))
  }
}
