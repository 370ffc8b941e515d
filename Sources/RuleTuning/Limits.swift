/// Bounds of the search for a rule, so that its cost and its size stay foreseeable.
public enum TuningLimits {
  /// Thresholds tried per quantity.
  public static let thresholdsMax = 64
  /// Splits one below the other in a tree: more is a table that nobody reads.
  public static let depthMax = 8
  /// Rules of the form `thresholds:N`.
  public static let listRulesMax = 8
  /// Cells along each side of a table.
  public static let tableSideMax = 12
  /// Batches that must speak for a choice of its own.
  public static let batchesMin = 8
  /// The share of all attention time that a further split must save.
  public static let gainMin = 0.0005
  /// Nanoseconds that a batch costs under a variant that cannot run it: over an hour, so that no
  /// saving elsewhere outweighs it, and small enough that two million of them add up.
  static let penalty: Int64 = 1 << 42
  /// Batches of one search.
  public static let batchesMax = 1 << 20
}
