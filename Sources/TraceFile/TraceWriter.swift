public import TraceModel

/// Writes a trace as it comes in: bounded memory for steps, some thirty bytes for each request.
///
/// Everything goes to `PATH.partial` in whole chunks; `finish()` adds the index and the end mark,
/// waits for the disk and gives the file its name. A process that dies leaves the partial file, whose
/// whole chunks `TraceRepair` saves. A writer that is dropped unfinished, or whose disk is full,
/// leaves nothing under either name, or the whole chunks where its purpose is to record.
public struct TraceWriter: ~Copyable {
  /// What a trace is written for.
  public enum Purpose: Sendable {
    /// Of something that can be read again: replaces a file that exists, leaves nothing when it fails.
    case conversion
    /// Of something that happens once, inside the process where it does: replaces nothing, keeps
    /// what it has when it fails, and closes chunks early, so that they take some megabytes of memory.
    case recording
  }

  private var chunks: ChunkFileWriter
  private let prefixBlockTokens: Int64
  /// What predicts rows, of all requests.
  private var lengths: [RequestLengths] = []
  private var ids: Set<Int64> = []
  /// Requests that are in no chunk yet.
  private var requests: [TraceRequest] = []
  private var prefixBlockCount = 0
  private var steps: StepEncoder
  private var stepTimes: ClosedRange<Int64> = 0...0
  private var lastStepNumber: Int64?
  /// Gaps that are in no chunk yet.
  private var gaps: [TraceGap] = []
  /// Ends of requests that are in no chunk yet.
  private var ends: [RequestEnd] = []
  private let sizes: ChunkSizes

  /// Starts a trace with its header.
  public init(
    path: String, header: TraceHeader, for purpose: Purpose = .conversion
  ) throws(TraceFileError) {
    var chunks = try ChunkFileWriter(path: path, purpose)
    let content = Array(JSONValue.object(header.members).text().utf8)
    try chunks.put(.metadata, bytes: content, itemCount: 1, firstItem: 0)
    self.chunks = chunks
    func bounded(_ value: Int?) -> Int64 {
      Int64(min(max(value ?? 0, 0), Int(TraceFileLimits.tokensMax)))
    }
    prefixBlockTokens = bounded(header.prefixBlockTokens)
    steps = StepEncoder(
      tokenBudget: bounded(header.maxBatchedTokens), kvBlockSize: bounded(header.kvBlockSize),
      eventBytesMax: ChunkSizes(purpose).eventBytes)
    sizes = ChunkSizes(purpose)
  }

  /// Bytes of the file so far: those of whole chunks.
  public var byteCount: ByteCount { ByteCount(Int64(clamping: chunks.index.end)) }
  /// Steps in whole chunks.
  public var writtenStepCount: Int { chunks.index.itemCount(of: .steps) }
  /// Requests so far; the next one's place.
  public var requestCount: Int { lengths.count }

  /// Adds a request, whose place is the count of requests before it.
  public mutating func append(_ request: TraceRequest) throws(TraceFileError) {
    if let reason = Self.fault(of: request) { throw invalid(reason) }
    guard lengths.count < TraceFileLimits.totalItemsMax else {
      throw invalid("more requests than a trace holds; begin another")
    }
    guard ids.insert(request.id.rawValue).inserted else {
      throw invalid("request \(request.id.rawValue) appears twice; give every request its own id")
    }
    let blocks = prefixBlockCount + request.prefixBlocks.count
    if blocks > sizes.prefixBlocks { try flushRequests() }
    requests.append(request)
    prefixBlockCount += request.prefixBlocks.count
    lengths.append(
      RequestLengths(
        promptTokens: request.promptTokens,
        outputTokens: request.outputLimit ?? request.outputTokens))
    if requests.count >= sizes.requests { try flushRequests() }
    if request.outputLimit != nil {
      try appendEnd(of: Int32(lengths.count - 1), outputTokens: request.outputTokens)
    }
  }

  /// Notes how many tokens a request generated that was appended with the most it might.
  public mutating func appendEnd(
    of request: Int32, outputTokens: TokenCount
  ) throws(TraceFileError) {
    guard request >= 0, request < lengths.count, outputTokens >= .zero else {
      throw invalid("an end of request place \(request), which was not added before")
    }
    ends.append(RequestEnd(request: request, outputTokens: outputTokens))
    if ends.count >= sizes.requests { try flushEnds() }
  }

  /// Adds a step; its rows refer to requests appended before, its number is above the last one's.
  public mutating func append(_ step: borrowing TraceStep) throws(TraceFileError) {
    if let reason = Self.fault(of: step, requestCount: lengths.count) { throw invalid(reason) }
    if let last = lastStepNumber, step.number <= last {
      throw invalid("step \(step.number) comes after step \(last); steps must be in order")
    }
    let start = step.scheduleStart.rawValue
    stepTimes =
      steps.steps.isEmpty
      ? start...start : min(stepTimes.lowerBound, start)...max(stepTimes.upperBound, start)
    lastStepNumber = step.number
    steps.append(step, lengths)
    if steps.isFull { try flushSteps() }
  }

  /// Notes steps that the recorder had to drop.
  public mutating func append(_ gap: TraceGap) throws(TraceFileError) {
    guard gap.droppedSteps >= 0,
      max(gap.droppedSteps, Int64(clamping: gap.afterStep.magnitude))
        <= TraceFileLimits.stepNumberMax
    else { throw invalid("a gap of \(gap.droppedSteps) steps is out of the format's range") }
    gaps.append(gap)
    if gaps.count >= TraceFileLimits.itemsMax { try flushGaps() }
  }

  /// Writes what is pending as whole chunks, so that a crash loses no more than what comes after.
  public mutating func flush() throws(TraceFileError) {
    try flushRequests()
    try flushSteps()
    try flushEnds()
    try flushGaps()
  }

  /// Completes the file and gives it its name.
  ///
  /// - Returns: the bytes of the whole file.
  @discardableResult
  public consuming func finish() throws(TraceFileError) -> ByteCount {
    try flush()
    return ByteCount(Int64(clamping: try chunks.finish()))
  }

  /// Gives the trace up and removes what was written.
  public consuming func cancel() {}

  /// Leaves the partial file as a crash would, for tests of repair.
  consuming func abandon() { chunks.abandon() }
}

extension TraceWriter {
  private func invalid(_ reason: String) -> TraceFileError {
    TraceFileError(.invalid(reason), path: chunks.path)
  }

  private mutating func flushRequests() throws(TraceFileError) {
    guard !requests.isEmpty else { return }
    let first = lengths.count - requests.count
    try chunks.put(
      .requests, content: RequestCoding.content(of: requests), itemCount: requests.count,
      firstItem: first)
    if prefixBlockCount > 0 {
      try chunks.put(
        .prefixBlocks,
        content: PrefixCoding.content(of: requests, blockTokens: prefixBlockTokens),
        itemCount: requests.count, firstItem: first,
        payloadBytesMin: (prefixBlockCount - 1) / TraceFileLimits.prefixBlocksPerPayloadByteMax + 1)
    }
    requests.removeAll(keepingCapacity: true)
    prefixBlockCount = 0
  }

  private mutating func flushSteps() throws(TraceFileError) {
    // Requests first: a reader of what is whole so far must know those that rows refer to.
    try flushRequests()
    guard !steps.steps.isEmpty else { return }
    try chunks.put(
      .steps, content: StepChunkLayout(steps).content(), itemCount: steps.steps.count,
      firstItem: chunks.index.itemCount(of: .steps), times: stepTimes)
    steps.restart()
  }

  private mutating func flushEnds() throws(TraceFileError) {
    try flushRequests()
    guard !ends.isEmpty else { return }
    try chunks.put(
      .ends, content: EndCoding.content(of: ends), itemCount: ends.count,
      firstItem: chunks.index.itemCount(of: .ends))
    ends.removeAll(keepingCapacity: true)
  }

  private mutating func flushGaps() throws(TraceFileError) {
    guard !gaps.isEmpty else { return }
    try chunks.put(
      .gaps, content: GapCoding.content(of: gaps), itemCount: gaps.count,
      firstItem: chunks.index.itemCount(of: .gaps))
    gaps.removeAll(keepingCapacity: true)
  }
}
