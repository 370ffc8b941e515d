public import TraceModel

/// Bounds of times, so that a replay's sums stay in 64 bits.
public enum TimingLimits {
  /// Of one step's attention, and of the rest of it: 18 minutes.
  public static let stepMax = Nanoseconds(1 << 40)
  /// Of one launch.
  static let launchMax = stepMax
  /// Of a pause, after which nothing is left to recover.
  static let pauseMax = Nanoseconds(1 << 61)
}

extension Nanoseconds {
  /// Rounds a time of at most `stepMax`, which stands for any longer one; what is no number is none.
  init(microseconds: Double) {
    let most = TimingLimits.stepMax.microseconds
    let bounded = microseconds.isNaN ? 0 : min(max(-most, microseconds), most)
    self.init(Int64((bounded * 1e3).rounded()))
  }

  /// The same of this time `factor` times.
  func scaled(by factor: Double) -> Nanoseconds {
    let most = Double(TimingLimits.stepMax.rawValue)
    let product = Double(rawValue) * factor
    return Nanoseconds(Int64((product.isNaN ? 0 : min(max(-most, product), most)).rounded()))
  }

  /// The sum of two pauses.
  func addingPause(_ other: Nanoseconds) -> Nanoseconds {
    min(self, TimingLimits.pauseMax) + min(other, TimingLimits.pauseMax)
  }
}
