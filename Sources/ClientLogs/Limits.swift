/// Bounds of what a client log may hold, so that a foreign or hostile file ends in an error.
public enum ClientLogLimits {
  /// Bytes of a log once decompressed: a million requests of a hundred tokens take a third of this.
  public static let textBytesMax = 2 << 30
  /// Bytes that one compressed byte may become; text of numbers reaches a tenth of this.
  public static let expansionMax = 1_000
  /// The longest time in a log, in seconds: a year.
  ///
  /// All gaps of a request are no longer together, nor what lies between the first and the last sending.
  public static let secondsMax = 366.0 * 86_400
  /// Magnitude of a point in seconds, 73 years as in a trace, so that differences of such differences fit
  /// 64 bits of nanoseconds.
  public static let pointSecondsMax = Double(1 << 61 as Int64) / 1e9
  /// Requests of one log, as many as a trace may have.
  public static let requestsMax = Int(Int32.max)
  /// Prompt tokens by which a client's count may differ from the engine's: special tokens that the
  /// server adds, and text that tokenizes to a little more or less.
  public static let promptTokensSlack = 16
  /// Prompt tokens that every request may have more in the trace: a chat template's.
  public static let promptSurplusMax = 256
  /// Output tokens by which a client that counts them in the text may be off.
  public static let outputTokensSlack = 2
  /// The largest share of a log's requests that may have no counterpart in the trace.
  public static let leftOutShareMax = 0.1
  /// Pairs of requests that may say how two clocks differ: a second's work at most.
  public static let alignmentVotesMax = 4_000_000
  /// How far apart pairs may be that say the same of two clocks: what sendings vary by.
  public static let alignmentWindowNanoseconds: Int64 = 50_000_000
  /// Seconds by which, in the middle, requests may have been sent off their places in the trace.
  public static let sendShiftMax = 1.0
}
