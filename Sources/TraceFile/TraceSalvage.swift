internal import TraceModel

/// Decides chunk by chunk what of a damaged trace is saved.
struct TraceSalvage {
  /// Whether nothing behind the last chunk can be saved.
  private(set) var isOver = false
  /// Steps that are missing before one that was saved, and those of damaged chunks behind.
  private(set) var lostSteps = 0
  private var requestCount = 0
  /// Steps up to here, counted in the damaged trace, are saved or known to be lost.
  private var nextStep = 0
  private var lastNumber: Int64 = -1
  private var decoder = StepDecoder(lengths: [])
  private var lengths: [RequestLengths] = []
  private var gaps: [TraceGap] = []

  /// Copies a chunk into `writer` if it is whole; whether it is.
  mutating func take(
    _ offset: UInt64, _ header: ChunkHeader, _ chunks: ChunkFile,
    into writer: inout ChunkFileWriter
  ) throws(TraceFileError) -> Bool {
    let kind = ChunkKind(rawValue: header.kind)
    // The index is made anew.
    if kind == .index { return true }
    guard
      let (_, payload) = try? chunks.chunk(nil, at: offset, byteCount: header.chunkBytes)
    else {
      noteDamage(kind, header)
      return false
    }
    guard kind != nil else {
      try writer.put(header, payload, times: 0...0)
      return true
    }
    guard let content = try? ChunkFile.content(of: payload, header) else {
      noteDamage(kind, header)
      return false
    }
    var saved = header
    var times: ClosedRange<Int64> = 0...0
    do throws(Corruption) {
      switch kind {
      case .metadata:
        guard writer.index.entries.isEmpty else { throw Corruption("a second header") }
        _ = try TraceReader.header(content)
      case .requests: try takeRequests(content, header)
      case .prefixBlocks: try checkPrefixBlocks(header)
      case .ends:
        _ = try EndCoding.ends(
          of: content, count: Int(header.itemCount), requestCount: requestCount)
        saved.firstItem = UInt64(writer.index.itemCount(of: .ends))
      case .gaps:
        try GapCoding.append(content, count: Int(header.itemCount), to: &gaps)
        return true
      case .steps:
        times = try takeSteps(content, header)
        saved.firstItem = UInt64(writer.index.itemCount(of: .steps))
      case .index, nil: break
      }
    } catch {
      noteDamage(kind, header)
      return false
    }
    try writer.put(saved, payload, times: times)
    return true
  }

  /// Writes the gaps that the trace had and those that the damage made.
  func putGaps(into writer: inout ChunkFileWriter) throws(TraceFileError) {
    let sorted = gaps.enumerated().sorted {
      ($0.element.afterStep, $0.offset) < ($1.element.afterStep, $1.offset)
    }.map(\.element)
    var first = 0
    while first < sorted.count {
      let part = Array(sorted[first..<min(first + TraceFileLimits.itemsMax, sorted.count)])
      try writer.put(
        .gaps, content: GapCoding.content(of: part), itemCount: part.count, firstItem: first)
      first += part.count
    }
  }

  private mutating func noteDamage(_ kind: ChunkKind?, _ header: ChunkHeader) {
    switch kind {
    case .metadata, .requests, .prefixBlocks: isOver = true
    case .steps: noteLost(upTo: Int(header.firstItem) + Int(header.itemCount))
    case .gaps, .ends, .index, nil: break
    }
  }

  private mutating func noteLost(upTo place: Int) {
    guard place > nextStep else { return }
    lostSteps += place - nextStep
    gaps.append(TraceGap(afterStep: lastNumber, droppedSteps: Int64(place - nextStep)))
    nextStep = place
  }

  private mutating func takeRequests(
    _ content: [UInt8], _ header: ChunkHeader
  ) throws(Corruption) {
    guard Int(header.firstItem) == requestCount else { throw Corruption("requests are missing") }
    var requests: [TraceRequest] = []
    try RequestCoding.append(content, count: Int(header.itemCount), to: &requests)
    requestCount += requests.count
    lengths += requests.map {
      RequestLengths(promptTokens: $0.promptTokens, outputTokens: $0.outputTokens)
    }
    decoder = StepDecoder(lengths: lengths)
  }

  private func checkPrefixBlocks(_ header: ChunkHeader) throws(Corruption) {
    guard Int(header.firstItem) + Int(header.itemCount) <= requestCount else {
      throw Corruption("prefix blocks of requests that are missing")
    }
  }

  /// Reads steps through, so that nothing is saved that cannot be read; when they were scheduled.
  private mutating func takeSteps(
    _ content: [UInt8], _ header: ChunkHeader
  ) throws(Corruption) -> ClosedRange<Int64> {
    try decoder.load(content, stepCount: Int(header.itemCount))
    var step = TraceStep()
    var times: ClosedRange<Int64>?
    var last = lastNumber
    while try decoder.next(into: &step) {
      guard step.number > last || (times == nil && nextStep == 0) else {
        throw Corruption("step \(step.number) comes after step \(last)")
      }
      last = step.number
      let start = step.scheduleStart.rawValue
      times = min(times?.lowerBound ?? start, start)...max(times?.upperBound ?? start, start)
    }
    noteLost(upTo: Int(header.firstItem))
    nextStep = max(nextStep, Int(header.firstItem) + Int(header.itemCount))
    lastNumber = last
    return times ?? 0...0
  }
}
