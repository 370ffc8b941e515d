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

  /// The furthest that a statistic moved, in milliseconds; `nil` without replays.
  public func furthest(_ statistic: Statistic) -> Double? {
    guard let value = base.value(statistic) else { return nil }
    return jittered.compactMap { $0.value(statistic) }.map { ($0 - value).magnitude }.max()
  }

  /// Half the width of the interval that a real run's value lies in if the prediction is right, in
  /// milliseconds: the larger of the measured floor and this spread.
  public func halfWidth(_ statistic: Statistic, floor: NoiseFloor?) -> Double? {
    guard let value = base.value(statistic) else { return nil }
    let measured = floor?.share(statistic).map { $0 * value }
    return [measured, furthest(statistic)].compactMap(\.self).max()
  }
}

/// A difference between two policies, predicted and, where known, real.
public struct PredictedDifference: Hashable, Sendable {
  /// The statistic.
  public var statistic: Statistic
  /// The policy's value less that of the recorded one, in milliseconds.
  public var predicted: Double
  /// Half of the interval's width in milliseconds: both runs are off independently.
  public var halfWidth: Double?
  /// The real difference; `nil` where only one of the runs is known.
  public var real: Double?

  /// A difference with the spreads of both; `nil` where one of them lacks the statistic.
  public init?(
    _ statistic: Statistic, policy: CallerTimes, policySpread: PredictionSpread,
    baseline: CallerTimes, baselineSpread: PredictionSpread, floor: NoiseFloor?, real: Double?
  ) {
    guard let a = baseline.value(statistic), let b = policy.value(statistic) else { return nil }
    self.statistic = statistic
    predicted = b - a
    self.real = real
    if let one = baselineSpread.halfWidth(statistic, floor: floor),
      let other = policySpread.halfWidth(statistic, floor: floor)
    {
      halfWidth = (one * one + other * other).squareRoot()
    }
  }

  /// Whether it is too small to be told from none.
  public var isInsideFloor: Bool { halfWidth.map { predicted.magnitude <= $0 } ?? false }
}
