/// Bounds of a recorder, so that its memory does not depend on what the engine does.
enum RecorderLimits {
  /// Rows of a step, and requests in each of its lists, as in the trace's format.
  static let rowsMax = 65_536
  /// Tokens that a row, a prompt or an output may have, as in the trace's format.
  static let tokensMax = UInt32(Int32.max)
  /// Tokens that a request may ask for: what a step log can hold of it, too.
  static let outputTokensMax: Int64 = 1 << 30
  /// Sizes of the ring in bytes.
  static let ringBytes = 65_536...67_108_864
  /// The part of the ring that steps leave free for requests and outputs, of which nothing would be
  /// known otherwise.
  static let spareShare = 8
  /// Prefix blocks kept of one request: what one chunk holds in little memory.
  static let prefixBlocksPerRequest = 16_384
  /// Prefix blocks kept of all requests that live, to be carried over into the next file.
  static let prefixBlocksLive = 1 << 18
  /// Requests of one file: a trace's writer keeps some bytes of each.
  static let requestsPerFile = 131_072
  /// Requests that are not known to have ended; the oldest are forgotten beyond.
  static let requestsLive = 65_536
  /// Steps whose output may be outstanding.
  static let stepsInFlight = 32
  /// Magnitude of a time in nanoseconds, and of a step's number, below the format's.
  static let numberMax: Int64 = 1 << 60
  /// The longest GPU or forward time of a step in nanoseconds, as in the trace's format.
  static let gpuTimeMax: Int64 = 1 << 40
  /// Most tokens of a request that names no limit, where the header has no model length.
  static let outputTokensAssumed: Int64 = 1 << 20
  /// How long the thread sleeps after it found something to do, and after it found nothing.
  static let pauseMilliseconds: (busy: UInt32, idle: UInt32) = (10, 50)
  /// Numbers tried as part of a file's name.
  static let fileNumberMax = 99_999
}
