/// One number by which a prediction is judged: the mean or a percentile of what callers waited for.
public struct Statistic: Hashable, Sendable {
  /// Which number of a distribution.
  public enum Place: String, Hashable, Sendable, CaseIterable {
    /// The arithmetic mean.
    case mean
    /// The median.
    case p50
    /// The 90th percentile.
    case p90
    /// The 99th percentile.
    case p99
  }

  /// What callers waited for.
  public var metric: PolicyComparison.Metric
  /// Which number of its distribution.
  public var place: Place

  /// A statistic.
  public init(_ metric: PolicyComparison.Metric, _ place: Place) {
    self.metric = metric
    self.place = place
  }

  /// The metrics that logs of clients have in common.
  static let metrics: [PolicyComparison.Metric] = [.ttft, .itl, .tpot, .e2el]

  /// All statistics, metric by metric.
  public static let all: [Statistic] = metrics.flatMap { metric in
    Place.allCases.map { Statistic(metric, $0) }
  }

  /// Such as `ttft-p50`.
  public var name: String { metric.label.lowercased() + "-" + place.rawValue }

  /// The statistic of a name; `nil` for anything else.
  public init?(name: String) {
    guard let known = Self.all.first(where: { $0.name == name }) else { return nil }
    self = known
  }
}
