public import TraceModel

/// The bucket that a request ends in; every request of a replay ends in exactly one.
public enum RequestEnd: String, Hashable, Sendable, CaseIterable {
  /// All of its tokens came.
  case finished
  /// Prompt and output exceed the model's longest context, or the KV pool: never started.
  case tooLong = "too_long"
  /// The recording or the chosen window ended before its last token, or lost it in a gap.
  case cutByWindow = "cut_by_window"
}

/// Consecutive steps that each gave a request one token.
public struct TokenRun: Hashable, Sendable {
  /// Place of the first such step in `ReplayOutcome.outputs`.
  public var firstStep: Int32
  /// How many steps in a row.
  public var count: Int32
  /// Whether steps that the recorder dropped lie between this run and what came before it.
  ///
  /// The time since the token before is then unknown: it counts neither as ITL nor, where this is a
  /// request's first run, as TTFT.
  public var followsGap: Bool

  /// A run of steps.
  @inlinable
  public init(firstStep: Int32, count: Int32, followsGap: Bool = false) {
    self.firstStep = firstStep
    self.count = count
    self.followsGap = followsGap
  }
}

/// What happened to one request: its end, and the steps that gave it tokens.
public struct RequestOutcome: Hashable, Sendable {
  /// How it ended.
  public var end: RequestEnd
  /// When it arrived.
  public var arrival: Nanoseconds
  /// When a step with its first row was scheduled; `nil` where none was.
  public var scheduled: Nanoseconds?
  /// Prompt tokens.
  public var promptTokens: TokenCount
  /// Prompt tokens that were found in the prefix cache when it first ran.
  public var prefixHitTokens: TokenCount
  /// Times it was preempted.
  public var preemptions: Int32
  /// Its tokens, as runs of steps, in order.
  ///
  /// Preemption, a skipped step or a gap in the recording starts a new run. The runs of a finished
  /// request add up to its output tokens less `unknownTokens`.
  public var tokenRuns: [TokenRun]
  /// Tokens that it had in steps that the recorder dropped.
  public var unknownTokens: Int32

  /// An outcome without tokens yet.
  public init(
    end: RequestEnd, arrival: Nanoseconds, scheduled: Nanoseconds? = nil, promptTokens: TokenCount,
    prefixHitTokens: TokenCount = .zero, preemptions: Int32 = 0, tokenRuns: [TokenRun] = [],
    unknownTokens: Int32 = 0
  ) {
    self.end = end
    self.arrival = arrival
    self.scheduled = scheduled
    self.promptTokens = promptTokens
    self.prefixHitTokens = prefixHitTokens
    self.preemptions = preemptions
    self.tokenRuns = tokenRuns
    self.unknownTokens = unknownTokens
  }
}

/// All of one replay under one policy.
///
/// Token times are exact and take a few bytes per step and request,
/// because the tokens of a step share their time.
public struct ReplayOutcome: Hashable, Sendable {
  /// When each step's tokens reached the caller.
  public var outputs: [Nanoseconds]
  /// When the engine had processed them, which is a little before.
  public var processed: [Nanoseconds] = []
  /// Each request of the trace, in the trace's order.
  public var requests: [RequestOutcome]
  /// When the first step was scheduled, where the engine had worked before it; `nil` where all begins with the
  /// first arrival.
  public var lateBegin: Nanoseconds?
  /// Attention over all steps and layers.
  public var attention: Nanoseconds
  /// Everything else over all steps.
  public var rest: Nanoseconds
  /// Attention above the fastest variant's, over all steps.
  public var regret: Nanoseconds
  /// Steps, tokens and pressure.
  public var counts: ReplayCounts
  /// Decode steps that no CUDA graph holds as a whole.
  public var piecewiseDecodeSteps = 0
  /// How the queue grew; `nil` where batches are recorded, since then arrivals decide nothing, and
  /// where no step was executed.
  public var load: LoadTrend?

  /// An outcome of given parts.
  public init(
    outputs: [Nanoseconds] = [], requests: [RequestOutcome] = [], attention: Nanoseconds = .zero,
    rest: Nanoseconds = .zero, regret: Nanoseconds = .zero, counts: ReplayCounts = ReplayCounts(),
    load: LoadTrend? = nil
  ) {
    self.outputs = outputs
    self.requests = requests
    self.attention = attention
    self.rest = rest
    self.regret = regret
    self.counts = counts
    self.load = load
  }
}
