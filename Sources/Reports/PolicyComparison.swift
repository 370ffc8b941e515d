public import Metrics
import TraceModel

/// A policy against the first one of the replay, request by request, for one metric.
public struct PolicyComparison: Sendable {
  /// What is compared; raw values are the keys of the results.
  public enum Metric: String, Sendable, CaseIterable {
    /// Time to first token.
    case ttft = "ttft_ms"
    /// The mean over all gaps.
    case itl = "itl_ms"
    /// Time per output token.
    case tpot = "tpot_ms"
    /// End-to-end latency.
    case e2el = "e2el_ms"
    /// Each request's own mean gap.
    case requestMeanITL = "request_mean_itl_ms"

    /// The name that tables use.
    public var label: String {
      switch self {
      case .ttft: "TTFT"
      case .itl: "ITL"
      case .tpot: "TPOT"
      case .e2el: "E2EL"
      case .requestMeanITL: "ITL by request"
      }
    }
  }

  /// What the difference amounts to, at 95 % confidence.
  public enum Verdict: String, Sendable {
    /// Every request had the same value under both.
    case same = "identical"
    /// The interval holds zero.
    case unclear = "no difference beyond the interval"
    /// Two real runs of the same work differ by as much, or predictions are off by as much.
    case insideFloor = "inside the noise floor"
    /// The interval lies below zero.
    case faster
    /// The interval lies above zero.
    case slower
  }

  /// The policy.
  public var policy: String
  /// What it is compared with.
  public var baseline: String
  /// The metric.
  public var metric: Metric
  /// Mean difference in milliseconds, relative difference and interval.
  public var difference: PairedDifference
  /// By how many milliseconds the means of two real runs differ for no reason, and predictions of their
  /// difference are off; `nil` where that was not measured.
  public var floor: Double?

  /// What the difference amounts to.
  public var verdict: Verdict {
    let isSame = difference.low == 0 && difference.high == 0
    if let floor, !isSame, difference.mean.magnitude <= floor { return .insideFloor }
    if difference.low > 0 { return .slower }
    if difference.high < 0 { return .faster }
    return isSame ? .same : .unclear
  }
}

extension PolicyComparison {
  /// All metrics of a policy against a baseline over requests that have a value under both.
  ///
  /// - `seed`: of the bootstrap; the same seed gives the same interval
  /// - `floor`: how far two real runs are apart
  static func all(
    of policy: PolicyOutcome, against baseline: PolicyOutcome, seed: UInt64, floor: NoiseFloor?
  ) -> [PolicyComparison] {
    Metric.allCases.compactMap {
      PolicyComparison($0, of: policy, against: baseline, seed: seed, floor: floor)
    }
  }

  /// One metric; `nil` where too few requests have a value under both.
  init?(
    _ metric: Metric, of policy: PolicyOutcome, against baseline: PolicyOutcome, seed: UInt64,
    floor: NoiseFloor?
  ) {
    let (a, b) = metric.pairs(of: baseline.times, and: policy.times)
    guard let difference = PairedDifference.bootstrap(a: a, b: b, seed: seed) else { return nil }
    self.init(
      policy: policy.name, baseline: baseline.name, metric: metric, difference: difference,
      floor: Self.halfWidth(of: Statistic(metric, .mean), policy, baseline, floor))
  }

  /// By how much a statistic's difference moves for no reason, measured and as arrivals move, and by how
  /// much predictions of it are off.
  static func halfWidth(
    of statistic: Statistic, _ policy: PolicyOutcome, _ baseline: PolicyOutcome,
    _ floor: NoiseFloor?
  ) -> Double? {
    let both = [baseline, policy]
    let means = both.compactMap { $0.summary.distribution(statistic.metric)?.mean }
    guard let floor, means.count == 2 else { return nil }
    let chance: Double?
    if both.contains(where: \.jittered.isEmpty) {
      chance = floor.difference(statistic, between: means[0], and: means[1])
    } else {
      let widths = both.compactMap {
        PredictionSpread(base: CallerTimes($0.outcome), jittered: $0.jittered)
          .halfWidth(statistic, floor: floor)
      }
      chance = widths.count < 2 ? nil : together(widths[0], widths[1])
    }
    let model = floor.predictionShare(statistic).map { $0 * (means[1] - means[0]) } ?? 0
    return chance.map { together($0, model) }
  }

  /// Two causes that are independent of one another add as squares do.
  private static func together(_ a: Double, _ b: Double) -> Double { (a * a + b * b).squareRoot() }
}

extension PolicyComparison.Metric {
  /// Values in milliseconds of the requests that have one on both sides, in the trace's order.
  fileprivate func pairs(
    of first: [RequestTimes], and second: [RequestTimes]
  ) -> ([Double], [Double]) {
    let gaps = zip(first, second).reduce((total: 0, requests: 0)) { sum, pair in
      guard value(of: pair.0) != nil, value(of: pair.1) != nil else { return sum }
      return (sum.total + pair.0.gapCount, sum.requests + 1)
    }
    let meanGaps = gaps.requests == 0 ? 1 : Double(max(1, gaps.total)) / Double(gaps.requests)
    var a: [Double] = []
    var b: [Double] = []
    for (one, other) in zip(first, second) {
      guard let x = value(of: one), let y = value(of: other) else { continue }
      // Weighted by its gaps, the mean over requests is the mean over all gaps.
      let weight = self == .itl ? Double(one.gapCount) / meanGaps : 1
      a.append(x * weight)
      b.append(y * weight)
    }
    return (a, b)
  }

  private func value(of times: RequestTimes) -> Double? {
    switch self {
    case .ttft: times.ttft?.milliseconds
    case .tpot: times.tpot?.milliseconds
    case .e2el: times.e2el?.milliseconds
    case .itl, .requestMeanITL:
      times.gapCount == 0 ? nil : times.gapTotal.milliseconds / Double(times.gapCount)
    }
  }
}
