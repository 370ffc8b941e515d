/// How far a prediction moves when its requests arrive a little earlier or later.
public struct PredictionSpread: Sendable {
  private let base: CallerTimes
  private let jittered: [CallerTimes]

  /// A prediction and the same with moved arrivals.
  public init(base: CallerTimes, jittered: [CallerTimes]) {
    self.base = base
    self.jittered = jittered
  }

  /// Replays with moved arrivals.
  public var replays: Int { jittered.count }

  /// The middle of what all replays gave, in milliseconds; `nil` where one lacks the statistic.
  ///
  /// One replay is one of the runs that may happen: where a percentile lies between two kinds of
  /// steps, a request that comes a moment later takes it from one to the other.
  public func middle(_ statistic: Statistic) -> Double? {
    let values = ([base] + jittered).compactMap { $0.value(statistic) }.sorted()
    guard values.count == jittered.count + 1 else { return nil }
    return (values[values.count / 2] + values[(values.count - 1) / 2]) / 2
  }

  /// The same of a metric's values at places from 0 to 1 of their order.
  public func quantiles(_ metric: PolicyComparison.Metric, at places: [Double]) -> [Double] {
    let all = ([base] + jittered).map { $0.quantiles(metric, at: places) }
    guard all.allSatisfy({ $0.count == places.count }) else { return [] }
    return places.indices.map { place in
      let values = all.map { $0[place] }.sorted()
      return (values[values.count / 2] + values[(values.count - 1) / 2]) / 2
    }
  }

  /// The furthest that a statistic moved, in milliseconds; `nil` without replays.
  public func furthest(_ statistic: Statistic) -> Double? {
    guard let value = base.value(statistic) else { return nil }
    return jittered.compactMap { $0.value(statistic) }.map { ($0 - value).magnitude }.max()
  }

  /// Where a real run's value lies if the prediction is right, in milliseconds; `nil` without
  /// replays.
  ///
  /// From the least to the greatest value of all replays, each end further out by the measured
  /// floor.
  public func interval(_ statistic: Statistic, floor: NoiseFloor?) -> PredictedInterval? {
    guard let value = base.value(statistic), !jittered.isEmpty else { return nil }
    let values = [value] + jittered.compactMap { $0.value(statistic) }
    guard let low = values.min(), let high = values.max() else { return nil }
    let share = floor?.share(statistic) ?? 0
    return PredictedInterval(low: low * (1 - share), high: high * (1 + share))
  }

  /// Half the width of the interval that a real run's value lies in if the prediction is right, in
  /// milliseconds: the larger of the measured floor and this spread.
  public func halfWidth(_ statistic: Statistic, floor: NoiseFloor?) -> Double? {
    guard let value = base.value(statistic) else { return nil }
    let measured = floor?.share(statistic).map { $0 * value }
    return [measured, furthest(statistic)].compactMap(\.self).max()
  }
}

/// An interval of a predicted statistic, in milliseconds.
public struct PredictedInterval: Hashable, Sendable {
  /// The least value.
  public var low: Double
  /// The greatest value.
  public var high: Double

  /// An interval.
  public init(low: Double, high: Double) {
    self.low = low
    self.high = high
  }

  /// Whether a value lies in it, ends included.
  public func contains(_ value: Double) -> Bool { low <= value && value <= high }

  /// Whether it spans two kinds of steps, such as those with one prompt and those with two: which
  /// of them a percentile shows, arrivals decide that move by less than a millisecond.
  public var spansAnEdge: Bool { high > low * Self.edgeRatio }

  /// Steps of one kind differ by less, those with one prompt more by more.
  private static let edgeRatio = 1.25
}

/// A difference between two policies, predicted and, where known, real.
public struct PredictedDifference: Hashable, Sendable {
  /// The statistic.
  public var statistic: Statistic
  /// The policy's value less that of the recorded one, in milliseconds.
  public var predicted: Double
  /// By how many milliseconds two runs like these differ for no reason; `nil` where that is not known.
  public var noise: Double?
  /// What predicted differences were off by beyond the noise, as a share of them.
  public var modelShare: Double
  /// The real difference; `nil` where only one of the runs is known.
  public var real: Double?

  /// A difference with the spreads of both; `nil` where one of them lacks the statistic.
  public init?(
    _ statistic: Statistic, policy: PredictionSpread, baseline: PredictionSpread,
    floor: NoiseFloor?, real: Double?
  ) {
    guard let a = baseline.middle(statistic), let b = policy.middle(statistic) else { return nil }
    self.statistic = statistic
    predicted = b - a
    self.real = real
    modelShare = floor?.predictionShare(statistic) ?? 0
    if let one = baseline.halfWidth(statistic, floor: floor),
      let other = policy.halfWidth(statistic, floor: floor)
    {
      noise = (one * one + other * other).squareRoot()
    }
  }

  /// Half of the interval's width in milliseconds: noise and the prediction's own error are independent,
  /// so they add as squares do; `nil` where the noise is not known.
  public var halfWidth: Double? {
    noise.map { noise in
      let model = modelShare * predicted
      return (noise * noise + model * model).squareRoot()
    }
  }

  /// Whether it is too small to be told from none.
  public var isInsideFloor: Bool { halfWidth.map { predicted.magnitude <= $0 } ?? false }
}
