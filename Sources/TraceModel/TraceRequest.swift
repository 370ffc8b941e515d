/// One prompt with its arrival and the work it asks for.
public struct TraceRequest: Hashable, Sendable {
  /// The number its engine or publisher gave it.
  public var id: RequestID
  /// When it reached the engine, from the trace's time zero.
  public var arrival: Nanoseconds
  /// Tokens of the prompt.
  public var promptTokens: TokenCount
  /// Tokens generated for it (in a recording of a run cut short: the tokens it asked for).
  public var outputTokens: TokenCount
  /// The most tokens that it asked for, where the trace knows that beside those generated.
  public var outputLimit: TokenCount?
  /// Identities of the prompt's prefix blocks, in order.
  ///
  /// Each stands for `TraceHeader.prefixBlockTokens` tokens; an equal identity means an equal block *and* an equal prefix before it. The last may be partly
  /// filled. Empty where the trace knows of no sharing.
  public var prefixBlocks: [UInt64]

  /// A request; `prefixBlocks` may be left out where sharing is unknown.
  public init(
    id: RequestID, arrival: Nanoseconds, promptTokens: TokenCount, outputTokens: TokenCount,
    outputLimit: TokenCount? = nil, prefixBlocks: [UInt64] = []
  ) {
    self.id = id
    self.arrival = arrival
    self.promptTokens = promptTokens
    self.outputTokens = outputTokens
    self.outputLimit = outputLimit
    self.prefixBlocks = prefixBlocks
  }
}
