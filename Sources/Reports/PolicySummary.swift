public import EngineSimulation
public import Metrics
public import TraceModel

/// One replay under one policy, condensed to what reports print.
public struct PolicySummary: Sendable {
  /// The policy's name.
  public var name: String
  /// TTFT over requests whose first token is known.
  public var ttft: DistributionSummary?
  /// Every gap between two tokens, pooled over all requests.
  public var itl: DistributionSummary?
  /// TPOT over finished requests with two tokens or more.
  public var tpot: DistributionSummary?
  /// E2EL over finished requests.
  public var e2el: DistributionSummary?
  /// Each request's own mean gap.
  public var requestMeanITL: DistributionSummary?
  /// From the first arrival to the last token; of steps that the engine had worked before, from the first of
  /// them, since tokens are known from there on.
  public var duration: Nanoseconds
  /// Requests by how they ended, in the order of `RequestEnd`'s cases.
  public var ends: [(end: RequestEnd, requests: Int)]
  /// Tokens that reached callers.
  public var outputTokens: Int
  /// Attention over all steps and layers.
  public var attention: Nanoseconds
  /// Everything else over all steps.
  public var rest: Nanoseconds
  /// Attention above the fastest variant's.
  public var regret: Nanoseconds
  /// Steps, tokens and pressure.
  public var counts: ReplayCounts
  /// Steps by kernel variant.
  public var variants: VariantUse
  /// How the queue grew; `nil` for recorded batches.
  public var load: LoadTrend?

  /// Requests replayed, however they ended: of a window of recorded steps those that have rows in it.
  public var requests: Int { ends.reduce(0) { $0 + $1.requests } }
  /// Requests that ended so.
  public func requests(_ end: RequestEnd) -> Int {
    ends.first { $0.end == end }?.requests ?? 0
  }
}

extension PolicySummary {
  /// Condenses an outcome; `times` are those of its requests, in order.
  public init(
    name: String, outcome: ReplayOutcome, times: [RequestTimes], variants: VariantUse
  ) {
    self.name = name
    ttft = Self.distribution(times.lazy.compactMap(\.ttft))
    tpot = Self.distribution(times.lazy.compactMap(\.tpot))
    e2el = Self.distribution(times.lazy.compactMap(\.e2el))
    requestMeanITL = Self.distribution(times.lazy.compactMap(\.meanITL))
    itl = Self.pooledGaps(outcome)
    let start = outcome.lateBegin ?? outcome.requests.map(\.arrival).min() ?? .zero
    duration = max(.zero, (outcome.outputs.last ?? start) - start)
    ends = RequestEnd.allCases.map { end in (end, outcome.requests.count { $0.end == end }) }
    outputTokens = times.reduce(0) { $0 + $1.tokens }
    attention = outcome.attention
    rest = outcome.rest
    regret = outcome.regret
    counts = outcome.counts
    self.variants = variants
    load = outcome.load
  }

  private static func distribution(_ values: some Sequence<Nanoseconds>) -> DistributionSummary? {
    var samples = WeightedSamples()
    for value in values { samples.add(value, count: 1) }
    return samples.summary()
  }

  /// All gaps, without visiting each token.
  private static func pooledGaps(_ outcome: ReplayOutcome) -> DistributionSummary? {
    let gaps = TokenGaps(outcome)
    var samples = WeightedSamples()
    for (step, count) in gaps.fromPrevious.enumerated() where count > 0 {
      samples.add(outcome.outputs[step] - outcome.outputs[step - 1], count: Int(count))
    }
    for gap in gaps.others { samples.add(gap.length, count: 1) }
    return samples.summary()
  }
}
