public import TraceModel

/// What the callers of a real run saw, request by request.
public struct ClientLog: Hashable, Sendable {
  /// The forms that are read.
  public enum Format: String, Hashable, Sendable {
    /// JSON lines with `kind` = `client`: when each token of a request came.
    case tokens = "client.jsonl"
    /// The result of `vllm bench serve --save-result --save-detailed`.
    case bench = "vllm bench serve"
    /// AIPerf's `profile_export.jsonl`.
    case aiperf = "AIPerf"
  }

  /// The file's name, for errors and reports.
  public var source: String
  /// Which form it had.
  public var format: Format
  /// Requests that reached their end, in the order in which they were sent.
  public var requests: [ClientRequest]
  /// Requests that failed or were cancelled, which are compared with nothing.
  public var failed: Int
  /// From the first sending to the last answer, where the log tells it beside its requests.
  public var duration: Nanoseconds?

  /// A log of given requests.
  public init(
    source: String, format: Format, requests: [ClientRequest], failed: Int = 0,
    duration: Nanoseconds? = nil
  ) {
    self.source = source
    self.format = format
    self.requests = requests
    self.failed = failed
    self.duration = duration
  }
}

/// What one caller saw.
public struct ClientRequest: Hashable, Sendable {
  /// Its place among all requests of the log, failed ones included, or the id that the log gives it.
  public var id: Int64
  /// Whether the log names ids of its own; otherwise `id` is a place.
  public var hasOwnID: Bool
  /// When it was sent, on a clock of the log's own; `nil` where the log does not tell.
  public var sent: Nanoseconds?
  /// From sending to the first token.
  public var ttft: Nanoseconds
  /// Times between messages that brought tokens, in order; `nil` where the log has no single ones.
  public var gaps: [Nanoseconds]?
  /// From sending to the last token.
  public var e2el: Nanoseconds
  /// Prompt tokens, where the log tells.
  public var promptTokens: Int?
  /// Tokens that came.
  public var outputTokens: Int

  /// A request's times.
  public init(
    id: Int64, hasOwnID: Bool = false, sent: Nanoseconds?, ttft: Nanoseconds, gaps: [Nanoseconds]?,
    e2el: Nanoseconds, promptTokens: Int?, outputTokens: Int
  ) {
    self.id = id
    self.hasOwnID = hasOwnID
    self.sent = sent
    self.ttft = ttft
    self.gaps = gaps
    self.e2el = e2el
    self.promptTokens = promptTokens
    self.outputTokens = outputTokens
  }

  /// `(E2EL − TTFT) / (tokens − 1)`, rounded to the nearest nanosecond; `nil` for a single token.
  public var tpot: Nanoseconds? {
    guard outputTokens > 1 else { return nil }
    let parts = Double(outputTokens - 1)
    return Nanoseconds(Int64((Double((e2el - ttft).rawValue) / parts).rounded()))
  }
}
