public import EngineSimulation
import Metrics
public import TraceModel

/// What one caller of a real run saw.
public struct CallerSample: Hashable, Sendable {
  /// When the request was sent, on any clock; `nil` where that is unknown.
  public var sent: Nanoseconds?
  /// From sending to the first token.
  public var ttft: Nanoseconds
  /// Gaps between tokens; `nil` where only their mean is known.
  public var gaps: [Nanoseconds]?
  /// From sending to the last token.
  public var e2el: Nanoseconds
  /// `(E2EL − TTFT) / (tokens − 1)`.
  public var tpot: Nanoseconds?
  /// Tokens that came.
  public var tokens: Int

  /// A caller's times.
  public init(
    sent: Nanoseconds?, ttft: Nanoseconds, gaps: [Nanoseconds]?, e2el: Nanoseconds,
    tpot: Nanoseconds?, tokens: Int
  ) {
    self.sent = sent
    self.ttft = ttft
    self.gaps = gaps
    self.e2el = e2el
    self.tpot = tpot
    self.tokens = tokens
  }
}

/// What the callers of a run, real or simulated, saw together.
public struct CallerTimes: Sendable {
  private var samples: [PolicyComparison.Metric: WeightedSamples]
  private var summaries: [PolicyComparison.Metric: DistributionSummary]
  /// Requests whose times these are.
  public let requests: Int
  /// Output tokens a second of the requests that ended, from their first sending to their last token; `nil`
  /// where unknown.
  public let throughput: Double?

  /// Times of real callers.
  ///
  /// ITL is not known where a caller's gaps are not, or are so few that messages brought several tokens.
  ///
  /// - `duration`: from the first sending to the last token, which counts where no sendings are known
  public init(_ callers: [CallerSample], duration: Nanoseconds? = nil) {
    var start: Nanoseconds?
    var end: Nanoseconds?
    for caller in callers {
      guard let sent = caller.sent else { continue }
      start = min(start ?? sent, sent)
      end = max(end ?? sent, sent + caller.e2el)
    }
    if start == nil, let duration { (start, end) = (.zero, duration) }
    self.init(
      ttft: callers.map(\.ttft),
      itl: Self.gapFault(callers) == nil ? callers.flatMap { $0.gaps ?? [] } : [],
      tpot: callers.compactMap(\.tpot), e2el: callers.map(\.e2el), requests: callers.count,
      tokens: callers.reduce(0) { $0 + $1.tokens }, start: start, end: end)
  }

  /// Why gaps between messages are not those between tokens; `nil` where they are.
  public static func gapFault(_ callers: [CallerSample]) -> String? {
    guard callers.allSatisfy({ $0.gaps != nil || $0.tokens <= 1 }) else {
      return "the client log has no single gaps between tokens"
    }
    let gaps = callers.reduce(0) { $0 + ($1.gaps?.count ?? 0) }
    let tokens = callers.reduce(0) { $0 + max(0, $1.tokens - 1) }
    guard Double(gaps) < Double(tokens) * (1 - mergedShareMax) else { return nil }
    return "messages brought several tokens (\(NumberText.grouped(gaps)) gaps for "
      + "\(NumberText.grouped(tokens)) tokens after the first)"
  }

  /// The share of tokens that may come together with the one before: now and then, a socket does that.
  private static let mergedShareMax = 0.05

  /// Times of a replay's callers.
  ///
  /// - `isCompared`: by request, whether it is taken in; all are where it is empty
  public init(_ outcome: ReplayOutcome, isCompared: [Bool] = []) {
    var ttft: [Nanoseconds] = []
    var itl: [Nanoseconds] = []
    var tpot: [Nanoseconds] = []
    var e2el: [Nanoseconds] = []
    var tokens = 0
    var start: Nanoseconds?
    var end: Nanoseconds?
    var requests = 0
    for (place, request) in outcome.requests.enumerated()
    where isCompared.isEmpty || isCompared[place] {
      let times = RequestTimes(request, outputs: outcome.outputs)
      requests += 1
      if let time = times.ttft { ttft.append(time) }
      if let time = times.tpot { tpot.append(time) }
      if let time = times.e2el {
        e2el.append(time)
        tokens += times.tokens
        start = min(start ?? request.arrival, request.arrival)
        end = max(end ?? request.arrival, request.arrival + time)
      }
      itl += request.gaps(outputs: outcome.outputs)
    }
    self.init(
      ttft: ttft, itl: itl, tpot: tpot, e2el: e2el, requests: requests, tokens: tokens,
      start: start, end: end)
  }

  private init(
    ttft: [Nanoseconds], itl: [Nanoseconds], tpot: [Nanoseconds], e2el: [Nanoseconds],
    requests: Int, tokens: Int, start: Nanoseconds?, end: Nanoseconds?
  ) {
    samples = [:]
    summaries = [:]
    self.requests = requests
    for (metric, values) in [
      (PolicyComparison.Metric.ttft, ttft), (.itl, itl), (.tpot, tpot), (.e2el, e2el),
    ] {
      let weighted = WeightedSamples(values)
      samples[metric] = weighted
      summaries[metric] = weighted.summary()
    }
    if let start, let end, end > start {
      throughput = Double(tokens) / (end - start).seconds
    } else {
      throughput = nil
    }
  }

  /// A statistic in milliseconds; `nil` where nothing is known of its metric.
  public func value(_ statistic: Statistic) -> Double? {
    guard let summary = summaries[statistic.metric] else { return nil }
    return switch statistic.place {
    case .mean: summary.mean
    case .p50: summary.p50
    case .p90: summary.p90
    case .p99: summary.p99
    }
  }

  /// A metric's values at places from 0 to 1 of their order, in milliseconds.
  public func quantiles(_ metric: PolicyComparison.Metric, at places: [Double]) -> [Double] {
    samples[metric]?.quantiles(places) ?? []
  }
}
