/// Bounds of this module.
public enum GPUMeasurementLimits {
  /// Separate copies of a batch's KV that one graph goes through; tiny batches would want thousands.
  static let poolsMax = 1024
  /// Microseconds that one replay shall take: long beside the start of a graph, which takes two or three.
  static let replayMicroseconds = 300.0
  /// The same for a host that launches slowly, at most.
  static let replayMicrosecondsMax = 2400.0
  /// Calls that a graph holds at most.
  static let callsMax = 1024
  /// The share of the time of some replays in which a host must have launched them, since a GPU that is
  /// waited for is seldom ahead of it.
  static let enqueuedShareMax = 0.75
  /// One of so many pairs of measured lengths is also measured in the middle between both.
  static let probedPairShare: UInt64 = 24
  /// Timed replays of one graph.
  static let replaysMax = 20
  /// Replays before the first look at their spread: the fewest whose extremes enclose the median
  /// with 95 % confidence.
  static let replaysFirst = 6
  /// Replays between further looks.
  static let replaysFurther = 4
  /// The relative half-width of the median's 95 % interval at which a measurement is complete.
  static let relativeHalfWidthMax = 0.01
  /// The share of the best SM clock seen below which replays are discarded.
  static let clockShareMin = 0.9
  /// Discards of one measurement after which what comes is kept as partial.
  static let discardsMax = 8
  /// Bytes of random contents that are made on the host and copied over the pool again and again.
  static let contentsBytes = 4 << 20
  /// L2 caches' worth of KV that lies between two uses of the same bytes.
  static let cachesBetweenUses = 4
  /// Tokens between two measured lengths of one growing decode batch.
  static let anchorSpacing: Int32 = 64
  /// New tokens of a row that split-KV still runs.
  static let splitQueryLengthMax = 8
  /// Measured batches that a model of a provider's kernel is fitted to.
  static let fittedRowsMax = 400
}
