/// Bounds of the bootstrap: what an interval may cost.
public enum BootstrapLimits {
  /// Resamples of an interval; its ends then waver by about 2 % of its width from seed to seed.
  public static let resamples = 2_000
  /// Blocks that a resample draws from, so that a day of traffic costs what an hour does.
  public static let blocksMax = 256
  /// Blocks below which the spread between blocks says too little; small samples get one a pair.
  public static let blocksMin = 32
  /// Pairs below which there is no interval: of 10 normal values the middle 95 % of resampled means hold the
  /// true one 90 times in 100, of 5 they do 85 times, of 2 only 60.
  public static let pairsMin = 10
}
