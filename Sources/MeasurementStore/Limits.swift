public import TraceModel

/// Bounds of this module.
public enum MeasurementLimits {
  /// The longest time of one launch: a minute, far beyond any kernel's, so that sums over a trace's steps
  /// and a model's layers fit 64 bits of nanoseconds.
  public static let sampleMax = Nanoseconds(60_000_000_000)
  /// Samples of one set; a measurement takes tens.
  public static let samplesMax = 1 << 16
  /// Bytes of a batch's text; a thousand rows of different lengths take some six thousand.
  public static let batchBytesMax = 1 << 20
  /// Rows of a batch that are read back from its text.
  public static let batchRowsMax = 1 << 16
  /// Bytes of one text such as a variant's name or a reason.
  public static let textBytesMax = 4096
  /// How long a write waits for another process's, in milliseconds.
  public static let busyMillisecondsDefault: Int32 = 30_000
}
