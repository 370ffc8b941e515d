/// Every bound of the format in one place; `FORMAT.md` states them for other readers.
///
/// "Max" bounds what a reader believes; the others say when the writer closes a chunk.
enum TraceFileLimits {
  /// Steps after which a chunk is closed.
  static let stepsPerChunk = 8192
  /// Bytes of deviations after which a chunk of steps is closed, however few its steps.
  static let eventBytesPerChunk = 1 << 20
  /// Rows after which a chunk of steps is closed.
  static let rowsPerChunk = 1 << 24
  /// Requests after which a chunk is closed.
  static let requestsPerChunk = 16_384
  /// Prefix blocks after which the requests that have them are written.
  static let prefixBlocksPerChunk = 1 << 19

  /// The same three for a writer inside the process that it records: a chunk's content stays below
  /// 256 KiB, for which zstd takes some six megabytes.
  static let recordingEventBytesPerChunk = 1 << 16
  static let recordingRequestsPerChunk = 4096
  static let recordingPrefixBlocksPerChunk = 1 << 14

  /// Steps of one chunk.
  static let stepsMax = 16_384
  /// Rows of one chunk: predicted ones cost no bytes, so nothing else bounds the work.
  static let rowsPerChunkMax = rowsPerChunk + rowsMax
  /// Requests or gaps of one chunk.
  static let itemsMax = 65_536
  /// Requests or gaps for one byte of a chunk's payload: 2 KiB of memory.
  static let itemsPerPayloadByteMax = 64
  /// Prefix blocks of one chunk.
  static let prefixBlocksPerChunkMax = 1 << 21
  /// Prefix blocks for one byte of a chunk's payload: 4 KiB of memory.
  static let prefixBlocksPerPayloadByteMax = 512
  /// Prefix blocks of one request.
  static let prefixBlocksMax = 1 << 20
  /// Bytes of a chunk's content, before compression.
  static let contentBytesMax = 16 << 20
  /// Bytes of content for one byte of a chunk's payload.
  static let expansionMax = 1024
  /// Columns of a chunk, and its parameters.
  static let columnsMax = 64
  /// Rows of one step, and requests in its lists.
  static let rowsMax = 1 << 16
  /// Tokens of a prompt, an output, or a row with what was computed before it.
  static let tokensMax = Int32.max
  /// Requests, steps or gaps of one trace.
  static let totalItemsMax = Int(Int32.max)
  /// Magnitude of every time in nanoseconds (73 years), so that differences of two fit 64 bits.
  static let timeMax: Int64 = 1 << 61
  /// Magnitude of a step's GPU and forward time in nanoseconds (18 minutes), so that sums over millions of
  /// steps fit, too.
  static let gpuTimeMax: Int64 = 1 << 40
  /// Magnitude of a step's number.
  static let stepNumberMax: Int64 = 1 << 61
  /// Bytes read at a time while a damaged file is searched for its next chunk.
  static let searchBytes = 1 << 20
  /// Level of the zstd frames.
  static let compressionLevel: Int32 = 19
}
