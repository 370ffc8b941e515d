/// Every bound of the format in one place; `FORMAT.md` states them for other readers.
enum TraceFileLimits {
  /// Steps of one chunk.
  static let stepsPerChunk = 2048
  /// Rows after which a chunk of steps is closed, however few its steps.
  static let rowsPerChunk = 262_144
  /// Rows that a reader takes from one chunk: predicted rows cost no bytes, so nothing else bounds them.
  static let rowsPerChunkMax = rowsPerChunk + rowsMax
  /// Requests of one chunk.
  static let requestsPerChunk = 4096
  /// Prefix blocks after which a chunk of requests is closed.
  static let prefixBlocksPerChunk = 262_144
  /// Bytes of a chunk's content, before compression.
  static let contentBytesMax = 64 << 20
  /// Bytes of content that a reader believes of any chunk before it has seen them.
  static let contentBytesBelieved = 1 << 20
  /// Bytes of content that it believes of larger chunks for every byte of payload.
  static let expansionMax = 1024
  /// Columns of a chunk.
  static let columnsMax = 64
  /// Rows of one step.
  static let rowsMax = 1 << 20
  /// Prefix blocks of one request.
  static let prefixBlocksMax = 1 << 20
  /// Chunks that an index may list: at least this many bytes of file stand behind each.
  static let chunkBytesMin = ChunkHeader.byteCount
  /// Times are microseconds of at most this size, so that sums and nanoseconds fit 64 bits.
  static let microsecondsMax: Int64 = 1 << 52
  /// Level of the zstd frames.
  static let compressionLevel: Int32 = 19
}
