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
    fileSize = ByteCount(Int64(clamping: chunks.byteCount))
    requestCount = index.itemCount(of: .requests)
    stepCount = index.itemCount(of: .steps)
    let headers = index.chunks(of: .metadata)
    guard let metadata = headers.first, metadata.place == 0, headers.count == 1 else {
      throw chunks.corrupt(
        "the trace does not begin with its one header", nil, UInt64(FileHead.byteCount))
    }
    header = try chunks.decode(metadata.place, metadata.entry) { _, content throws(Corruption) in
      try Self.header(content)
    }
    var gaps: [TraceGap] = []
    for (place, entry) in index.chunks(of: .gaps) {
      gaps += try chunks.decode(place, entry) { _, content throws(Corruption) in
        var part: [TraceGap] = []
        try GapCoding.append(content, count: entry.itemCount, to: &part)
        return part
      }
    }
    self.gaps = gaps
  }

  /// The header that the content of a chunk of metadata, one JSON object, stands for.
  static func header(_ content: [UInt8]) throws(Corruption) -> TraceHeader {
    let json: JSONValue
    do throws(JSONError) { json = try JSONValue(parsing: content) } catch {
      throw Corruption("the header is not JSON: \(error.message)")
    }
    guard case .object(let members) = json else { throw Corruption("the header is no object") }
    return TraceHeader(members: members)
  }

  /// All requests, in the order in which rows refer to them.
  public func requests() throws(TraceFileError) -> [TraceRequest] {
    var requests = try requestsWithoutBlocks()
    for (place, entry) in index.chunks(of: .prefixBlocks) {
      let all = requests
      requests = []
      requests = try chunks.decode(place, entry) { header, content throws(Corruption) in
        try Self.adding(content, header, to: all)
      }
    }
    for (place, entry) in index.chunks(of: .ends) {
      let ends = try chunks.decode(place, entry) { _, content throws(Corruption) in
        try EndCoding.ends(of: content, count: entry.itemCount, requestCount: requests.count)
      }
      for end in ends { requests[Int(end.request)].end(with: end.outputTokens) }
    }
    return requests
  }

  /// Requests with the prefix blocks that a chunk gives to some of them.
  private static func adding(
    _ content: [UInt8], _ header: ChunkHeader, to requests: consuming [TraceRequest]
  ) throws(Corruption) -> [TraceRequest] {
    let range = Int(header.firstItem)..<(Int(header.firstItem) + Int(header.itemCount))
    guard range.upperBound <= requests.count else {
      throw Corruption("prefix blocks of requests that are not in the trace")
    }
    let justified = TraceFileLimits.prefixBlocksPerPayloadByteMax * Int(header.payloadBytes)
    try PrefixCoding.read(
      content, into: &requests[range],
      blocksMax: min(justified, TraceFileLimits.prefixBlocksPerChunkMax))
    return requests
  }

  private func requestsWithoutBlocks() throws(TraceFileError) -> [TraceRequest] {
    var requests: [TraceRequest] = []
    for (place, entry) in index.chunks(of: .requests) {
      requests += try chunks.decode(place, entry) { _, content throws(Corruption) in
        var part: [TraceRequest] = []
        try RequestCoding.append(content, count: entry.itemCount, to: &part)
        return part
      }
    }
    return requests
  }

  /// What predicts the rows of the requests.
  func requestLengths() throws(TraceFileError) -> [RequestLengths] {
    try requestsWithoutBlocks().map {
      RequestLengths(promptTokens: $0.promptTokens, outputTokens: $0.outputTokens)
    }
  }

  /// All steps, in order.
  public func steps() throws(TraceFileError) -> TraceStepReader { try steps(from: 0) }

  /// The steps from a place on, counted from 0; none where it lies past the end.
  ///
  /// Chunks before that place are not read.
  public func steps(from place: Int) throws(TraceFileError) -> TraceStepReader {
    let chunks = index.chunks(of: .steps).drop { $0.entry.items.upperBound <= place }
    var reader = try TraceStepReader(trace: self, chunks: Array(chunks))
    if let first = chunks.first { try reader.skip(place - first.entry.firstItem) }
    return reader
  }

  /// The steps that were scheduled from one moment on and before another, in order.
  ///
  /// Chunks without such a step are not read.
  public func steps(
    between start: Nanoseconds, and end: Nanoseconds
  ) throws(TraceFileError) -> TraceStepReader {
    let window = start..<max(start, end)
    let chunks = index.chunks(of: .steps).filter {
      $0.entry.times.upperBound >= window.lowerBound.rawValue
        && $0.entry.times.lowerBound < window.upperBound.rawValue
    }
    return try TraceStepReader(trace: self, chunks: chunks, window: window)
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
    totals.droppedSteps = gaps.reduce(0) { sum, gap in
      let (more, overflow) = sum.addingReportingOverflow(Int(clamping: gap.droppedSteps))
      return overflow ? .max : more
    }
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
  /// Steps that are missing; the largest number where they are more.
  public var droppedSteps = 0
}
