/// What a replay counts beside times: steps, tokens and pressure on the scheduler.
///
/// Over a rescheduled replay, `newTokens` is the sum over finished requests of prompt + outputs − 1,
/// less `prefixHitTokens`, plus `recomputedTokens`.
public struct ReplayCounts: Hashable, Sendable {
  /// Steps executed.
  public var steps = 0
  /// Steps in which every row had one token.
  public var decodeSteps = 0
  /// Rows over all steps.
  public var rows = 0
  /// Tokens computed over all steps.
  public var newTokens = 0
  /// Tokens found in the prefix cache that had never been computed for their request.
  public var prefixHitTokens = 0
  /// Tokens computed again after a preemption.
  public var recomputedTokens = 0
  /// Times that a request lost its blocks.
  public var preemptions = 0
  /// The most requests that ran at once.
  public var peakRunning = 0
  /// The most requests that waited after a call of the scheduler.
  public var peakWaiting = 0

  /// Nothing counted yet.
  public init() {}

  /// Steps with a row of more than one token.
  public var mixedSteps: Int { steps - decodeSteps }
}
