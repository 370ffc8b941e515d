/// When a writer closes its chunks.
struct ChunkSizes {
  /// Bytes of deviations of steps.
  let eventBytes: Int
  /// Requests, and ends of requests.
  let requests: Int
  /// Prefix blocks, unless one request alone has more.
  let prefixBlocks: Int

  init(_ purpose: TraceWriter.Purpose) {
    switch purpose {
    case .conversion:
      eventBytes = TraceFileLimits.eventBytesPerChunk
      requests = TraceFileLimits.requestsPerChunk
      prefixBlocks = TraceFileLimits.prefixBlocksPerChunk
    case .recording:
      eventBytes = TraceFileLimits.recordingEventBytesPerChunk
      requests = TraceFileLimits.recordingRequestsPerChunk
      prefixBlocks = TraceFileLimits.recordingPrefixBlocksPerChunk
    }
  }
}
