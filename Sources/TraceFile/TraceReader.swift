public import TraceModel

/// Reads a whole trace: header, requests, gaps, and steps from any place, one chunk in memory at a time.
///
/// A value of this type may be read from several threads.
public final class TraceReader: Sendable {
  /// The header as it was recorded.
  public let header: TraceHeader
  /// Requests in the trace.
  public let requestCount: Int
  /// Steps in the trace.
  public let stepCount: Int
  /// Bytes of the file.
  public let fileSize: ByteCount
  /// What the recorder had to drop.
  public let gaps: [TraceGap]

  let chunks: ChunkFile
  let index: TraceIndex

  /// Opens a trace that is whole.
  public convenience init(path: String) throws(TraceFileError) {
    let chunks = try ChunkFile(path: path)
    try self.init(chunks: chunks, index: try chunks.readIndex())
  }

  init(chunks: ChunkFile, index: TraceIndex) throws(TraceFileError) {
    self.chunks = chunks
    self.index = index
    fileSize = ByteCount(Int64(chunks.byteCount))
    func total(_ kind: ChunkKind) -> Int {
      index.chunks(of: kind).reduce(0) { $0 + $1.entry.itemCount }
    }
    requestCount = total(.requests)
    stepCount = total(.steps)
    guard let metadata = index.chunks(of: .metadata).first else {
      throw TraceFileError(.corrupt("the trace has no header"), path: chunks.path)
    }
    header = try chunks.decode(metadata.place, metadata.entry) { content throws(Corruption) in
      let json: JSONValue
      do throws(JSONError) { json = try JSONValue(parsing: content) } catch {
        throw Corruption("the header is not JSON: \(error.message)")
      }
      guard case .object(let members) = json else { throw Corruption("the header is no object") }
      return TraceHeader(members: members)
    }
    var gaps: [TraceGap] = []
    for (place, entry) in index.chunks(of: .gaps) {
      gaps += try chunks.decode(place, entry) { content throws(Corruption) in
        var part: [TraceGap] = []
        try GapCoding.append(content: content, count: entry.itemCount, to: &part)
        return part
      }
    }
    self.gaps = gaps
  }

  /// All requests, in the order in which rows refer to them.
  public func requests() throws(TraceFileError) -> [TraceRequest] {
    var requests: [TraceRequest] = []
    for (place, entry) in index.chunks(of: .requests) {
      requests += try chunks.decode(place, entry) { content throws(Corruption) in
        var part: [TraceRequest] = []
        try RequestDecoder.append(content: content, count: entry.itemCount, to: &part)
        return part
      }
    }
    return requests
  }

  /// All steps, in order.
  public func steps() throws(TraceFileError) -> TraceStepReader { try steps(from: 0) }

  /// The steps from a place on, counted from 0; none where it lies past the end.
  public func steps(from place: Int) throws(TraceFileError) -> TraceStepReader {
    var reader = try TraceStepReader(trace: self, chunks: index.chunks(of: .steps))
    try reader.skip(to: place)
    return reader
  }

  /// The steps scheduled from one moment on and before another, from a chunk near the first.
  public func steps(
    between start: Nanoseconds, and end: Nanoseconds
  ) throws(TraceFileError) -> TraceStepReader {
    // A chunk whose last output precedes the window has no step that is scheduled in it.
    let first = FileTime.microseconds(start)
    let chunks = index.chunks(of: .steps).drop { $0.entry.lastTime < first }
    var reader = try TraceStepReader(trace: self, chunks: Array(chunks))
    reader.window = start..<max(start, end)
    return reader
  }

  /// What the trace holds, counted by reading all of it.
  public func totals() throws(TraceFileError) -> TraceTotals {
    var totals = TraceTotals(bytes: fileSize)
    let requests = try requests()
    totals.requests = requests.count
    var first: Nanoseconds?
    var last: Nanoseconds?
    func note(_ time: Nanoseconds) {
      first = min(first ?? time, time)
      last = max(last ?? time, time)
    }
    for request in requests {
      totals.promptTokens += request.promptTokens.value
      totals.outputTokens += request.outputTokens.value
      note(request.arrival)
    }
    var steps = try steps()
    var step = TraceStep()
    while try steps.next(into: &step) {
      totals.steps += 1
      totals.rows += step.rows.count
      note(step.output ?? step.scheduleEnd)
    }
    totals.gaps = gaps.count
    totals.droppedSteps = gaps.reduce(0) { $0 + Int(clamping: $1.droppedSteps) }
    if let first, let last { totals.duration = last - first }
    return totals
  }
}

/// What a trace holds.
public struct TraceTotals: Hashable, Sendable {
  /// Requests.
  public var requests = 0
  /// Steps.
  public var steps = 0
  /// Rows over all steps.
  public var rows = 0
  /// Prompt tokens over all requests.
  public var promptTokens = 0
  /// Output tokens over all requests.
  public var outputTokens = 0
  /// From the first arrival or output to the last.
  public var duration = Nanoseconds.zero
  /// Bytes of the file.
  public var bytes: ByteCount
  /// Places where steps are missing.
  public var gaps = 0
  /// Steps that are missing.
  public var droppedSteps = 0
}
