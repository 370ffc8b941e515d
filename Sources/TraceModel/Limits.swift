/// Bounds of the JSON parser, so that hostile text ends in an error and not in a full stack or memory.
public enum JSONLimits {
  /// Arrays and objects within one another; real logs and manifests stay under ten.
  public static let depthMax = 128
  /// Bytes of one document.
  ///
  /// A value costs at most about 24 bytes of memory for each byte of text.
  public static let documentBytesMax = 1 << 29
  /// Bytes of one number; what is longer is no measurement.
  public static let numberBytesMax = 400
  /// Members up to which an object's keys are compared pairwise; a set takes over beyond.
  static let pairwiseMembersMax = 32
}

/// Bounds of what a selection makes of a workload.
enum SelectionLimits {
  /// Magnitude of a moved arrival in nanoseconds, as of every time in a trace's file.
  static let timeMax: Int64 = 1 << 61
}
