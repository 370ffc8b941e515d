/// Bounds of the readers, so that a foreign or hostile file ends in an error and not in full memory.
public enum ImportLimits {
  /// Bytes of one line; a million-token prompt in 16-token blocks takes about one megabyte.
  public static let lineBytesMax = 1 << 24
  /// Bytes asked of a source at a time, and the size of the line buffer until a longer line comes.
  public static let chunkBytes = 1 << 18
  /// Tokens of one prompt or one output, so that their sum fits the 32 bits of a `TokenCount`.
  public static let tokensMax = 1 << 30
  /// Requests of one workload: their places are 32 bits in every step's rows.
  public static let requestsMax = Int(Int32.max)
  /// The latest arrival: a hundred years, far inside 64 bits of nanoseconds even when scaled.
  public static let arrivalMax: Int64 = 100 * 366 * 86_400 * 1_000_000_000
  /// The longest GPU time of a step in nanoseconds: 18 minutes, as in the trace's format.
  public static let gpuTimeMax: Int64 = 1 << 40
  /// Columns of a CSV file.
  public static let columnsMax = 256
  /// Kinds of notes kept apart; what is beyond is counted as one.
  public static let notesMax = 32
  /// Requests that a generator draws at most.
  public static let generatedRequestsMax = 50_000_000
}
