public import TraceModel

/// Writes a trace as it comes in: bounded memory for steps, a few bytes for each request.
///
/// Everything goes to `PATH.partial` in whole chunks; `finish()` adds the index and the end mark,
/// waits for the disk and gives the file its name. A process that dies leaves the partial file, whose
/// whole chunks `TraceRepair` saves. A writer that is dropped unfinished, or whose disk is full,
/// leaves nothing under the final name.
public struct TraceWriter: ~Copyable {
  private let path: String
  private let partialPath: String
  private let file: SystemFile
  private let compressor: ZstdCompressor
  private var offset: UInt64
  private var index = TraceIndex()
  /// All requests, because rows are predicted from them.
  private var requests: [TraceRequest] = []
  private var places: Set<Int64> = []
  private var requestEncoder = RequestEncoder()
  private var stepEncoder = StepEncoder()
  private var gaps: [TraceGap] = []
  private var lastStepNumber: Int64?
  private var isSettled = false

  /// Starts a trace with its header.
  public init(path: String, header: TraceHeader) throws(TraceFileError) {
    let partialPath = path + ".partial"
    guard let compressor = ZstdCompressor() else {
      throw TraceFileError(.system(call: "zstd", reason: "out of memory"), path: path)
    }
    let content = Array(JSONValue.object(header.members).text().utf8)
    let chunk = try Self.chunk(
      .metadata, content: content, itemCount: 1, firstItem: 0, compressor, path: path)
    let file = try SystemFile(creating: partialPath)
    do throws(TraceFileError) { try file.write(FileHead.bytes + chunk) } catch {
      SystemFile.remove(partialPath)
      throw error
    }
    self.path = path
    self.partialPath = partialPath
    self.compressor = compressor
    self.file = file
    offset = UInt64(FileHead.byteCount + chunk.count)
    index.entries.append(
      TraceIndex.Entry(
        kind: ChunkKind.metadata.rawValue, offset: UInt64(FileHead.byteCount),
        byteCount: UInt64(chunk.count), itemCount: 1, firstItem: 0))
  }

  deinit { if !isSettled { SystemFile.remove(partialPath) } }

  /// Adds a request, whose place is the count of requests before it.
  public mutating func append(_ request: TraceRequest) throws(TraceFileError) {
    guard places.insert(request.id.rawValue).inserted else {
      throw invalid("request \(request.id.rawValue) appears twice; give every request its own id")
    }
    guard request.promptTokens >= .zero, request.outputTokens >= .zero,
      request.prefixBlocks.count <= TraceFileLimits.prefixBlocksMax,
      Self.isStorable(request.arrival)
    else { throw invalid("request \(request.id.rawValue) is out of the format's range") }
    requestEncoder.append(request)
    // Prefix blocks are not needed again; without them a request is small.
    var kept = request
    kept.prefixBlocks = []
    requests.append(kept)
    if requestEncoder.isFull { try flushRequests() }
  }

  /// Adds a step; its rows refer to requests appended before, its number is above the last one's.
  public mutating func append(_ step: borrowing TraceStep) throws(TraceFileError) {
    let number = step.number
    if let last = lastStepNumber, number <= last {
      throw invalid("step \(number) comes after step \(last); steps must be in order")
    }
    try check(step)
    lastStepNumber = number
    stepEncoder.append(copy step, requests: requests)
    if stepEncoder.isFull { try flushSteps() }
  }

  /// Notes steps that the recorder had to drop.
  public mutating func append(_ gap: TraceGap) throws(TraceFileError) { gaps.append(gap) }

  /// Writes what is pending as whole chunks, so that a crash loses no more than what comes after.
  public mutating func flush() throws(TraceFileError) {
    try flushSteps()
    try flushRequests()
    try flushGaps()
  }

  /// Completes the file and gives it its name.
  public consuming func finish() throws(TraceFileError) {
    try flush()
    let indexOffset = offset
    let content = index.content()
    try putChunk(.index, content: content, itemCount: index.entries.count, firstItem: 0)
    try put(FileTail.bytes(indexOffset: indexOffset, indexBytes: UInt32(offset - indexOffset)))
    try file.synchronize()
    try SystemFile.rename(partialPath, to: path)
    isSettled = true
  }

  /// Gives the trace up and removes what was written.
  public consuming func cancel() {}

  /// Leaves the partial file as a crash would, for tests of repair.
  consuming func abandon() { isSettled = true }
}

extension TraceWriter {
  private static func isStorable(_ time: Nanoseconds) -> Bool {
    time.rawValue.magnitude / 1000 < UInt64(TraceFileLimits.microsecondsMax) / 2
  }

  private func check(_ step: borrowing TraceStep) throws(TraceFileError) {
    let count = requests.count
    guard step.rows.count <= TraceFileLimits.rowsMax else {
      throw invalid("step \(step.number) has \(step.rows.count) rows, more than a trace holds")
    }
    for row in step.rows {
      guard (0..<Int32(count)).contains(row.request) else {
        throw invalid("step \(step.number) has a row of a request that was not added before it")
      }
      guard row.computed >= .zero, row.queryLength.rawValue >= 1,
        !row.computed.rawValue.addingReportingOverflow(row.queryLength.rawValue).overflow
      else { throw invalid("step \(step.number) has a row of impossible length") }
    }
    for request in [step.preempted, step.finished].joined() {
      guard (0..<Int32(count)).contains(request) else {
        throw invalid("step \(step.number) names a request that was not added before it")
      }
    }
    let times = [
      step.scheduleStart, step.scheduleEnd, step.output ?? .zero, step.gpuTime ?? .zero,
      step.forwardTime ?? .zero,
    ]
    guard times.allSatisfy(Self.isStorable) else {
      throw invalid("step \(step.number) has a time that is out of the format's range")
    }
  }

  private func invalid(_ reason: String) -> TraceFileError {
    TraceFileError(.invalid(reason), path: path)
  }

  private mutating func flushRequests() throws(TraceFileError) {
    guard requestEncoder.count > 0 else { return }
    let encoder = requestEncoder
    requestEncoder = RequestEncoder()
    try putChunk(
      .requests, content: encoder.content(), itemCount: encoder.count,
      firstItem: requests.count - encoder.count)
  }

  private mutating func flushSteps() throws(TraceFileError) {
    // Requests first: a reader of what is whole so far must know those that rows refer to.
    try flushRequests()
    guard stepEncoder.stepCount > 0 else { return }
    let encoder = stepEncoder
    stepEncoder = StepEncoder()
    let first = index.entries.reduce(0) {
      $0 + ($1.kind == ChunkKind.steps.rawValue ? $1.itemCount : 0)
    }
    try putChunk(
      .steps, content: encoder.content(), itemCount: encoder.stepCount, firstItem: first,
      span: encoder.span)
  }

  private mutating func flushGaps() throws(TraceFileError) {
    guard !gaps.isEmpty else { return }
    let content = GapCoding.content(of: gaps)
    let first = index.entries.reduce(0) {
      $0 + ($1.kind == ChunkKind.gaps.rawValue ? $1.itemCount : 0)
    }
    try putChunk(.gaps, content: content, itemCount: gaps.count, firstItem: first)
    gaps = []
  }

  private mutating func putChunk(
    _ kind: ChunkKind, content: [UInt8], itemCount: Int, firstItem: Int,
    span: (first: Int64, last: Int64) = (0, 0)
  ) throws(TraceFileError) {
    let start = offset
    try put(
      Self.chunk(
        kind, content: content, itemCount: itemCount, firstItem: firstItem, compressor, path: path))
    guard kind != .index else { return }
    index.entries.append(
      TraceIndex.Entry(
        kind: kind.rawValue, offset: start, byteCount: offset - start, itemCount: itemCount,
        firstItem: firstItem, firstTime: span.first, lastTime: span.last))
  }

  /// A chunk with its header.
  private static func chunk(
    _ kind: ChunkKind, content: [UInt8], itemCount: Int, firstItem: Int,
    _ compressor: borrowing ZstdCompressor, path: String
  ) throws(TraceFileError) -> [UInt8] {
    guard content.count <= TraceFileLimits.contentBytesMax else {
      throw TraceFileError(
        .invalid("\(content.count) bytes in one chunk; flush more often"), path: path)
    }
    let payload: [UInt8]
    do throws(Corruption) {
      payload = try compressor.frame(of: content.span)
    } catch {
      throw TraceFileError(.system(call: "zstd", reason: error.what), path: path)
    }
    guard ChunkHeader.isBelievable(contentBytes: content.count, payloadBytes: payload.count) else {
      throw TraceFileError(
        .invalid(
          "\(content.count) bytes shrink to \(payload.count), which readers take for a bomb; "
            + "flush more often"), path: path)
    }
    var writer = ByteWriter()
    ChunkHeader(
      kind: kind.rawValue, payloadBytes: UInt32(payload.count),
      contentBytes: UInt32(content.count), itemCount: UInt32(itemCount),
      firstItem: UInt64(firstItem), payloadChecksum: CRC32C.checksum(payload.span)
    ).write(to: &writer)
    writer.append(payload)
    return writer.bytes
  }

  private mutating func put(_ bytes: [UInt8]) throws(TraceFileError) {
    try file.write(bytes)
    offset += UInt64(bytes.count)
  }
}
