internal import TraceModel

/// Reads everything in a trace and believes nothing.
public enum TraceVerification {
  /// What the trace holds, or the first thing that is wrong in it.
  ///
  /// Beyond what reading checks: chunks of kinds that this version does not know have the right
  /// checksums, ids of requests are unique, rows name requests that come before them in the file, step
  /// numbers ascend through all chunks, and the index has the right times.
  public static func verify(path: String) throws(TraceFileError) -> TraceTotals {
    let reader = try TraceReader(path: path)
    var lastNumber = Int64.min
    var requestCount = 0
    var decoder = StepDecoder(lengths: try reader.requestLengths())
    for (place, entry) in reader.index.entries.enumerated() {
      switch ChunkKind(rawValue: entry.kind) {
      case .requests: requestCount += entry.itemCount
      case .steps:
        try reader.chunks.decode(place, entry) { _, content throws(Corruption) in
          try decoder.load(content, stepCount: entry.itemCount)
          try check(&decoder, entry, requestCount: requestCount, &lastNumber)
        }
      case .metadata, .gaps, .index, .prefixBlocks, .ends, nil:
        _ = try reader.chunks.chunk(place, at: entry.offset, byteCount: entry.byteCount)
      }
    }
    try checkRequests(reader)
    return try reader.totals()
  }

  private static func check(
    _ decoder: inout StepDecoder, _ entry: TraceIndex.Entry, requestCount: Int,
    _ lastNumber: inout Int64
  ) throws(Corruption) {
    var step = TraceStep()
    var times = (first: Int64.max, last: Int64.min)
    while try decoder.next(into: &step) {
      guard step.number > lastNumber else {
        throw Corruption("step \(step.number) comes after step \(lastNumber)")
      }
      lastNumber = step.number
      let places = [step.rows.map(\.request), step.finished, step.preempted].joined()
      if let place = places.first(where: { $0 >= requestCount }) {
        throw Corruption("step \(step.number) names request place \(place), which comes later")
      }
      times.first = min(times.first, step.scheduleStart.rawValue)
      times.last = max(times.last, step.scheduleStart.rawValue)
    }
    guard entry.itemCount == 0 || times == (entry.times.lowerBound, entry.times.upperBound) else {
      throw Corruption("the index has other times than the steps")
    }
  }

  private static func checkRequests(_ reader: TraceReader) throws(TraceFileError) {
    var ids: Set<Int64> = []
    for request in try reader.requests() where !ids.insert(request.id.rawValue).inserted {
      throw reader.chunks.corrupt(
        "request \(request.id.rawValue) appears twice", nil, UInt64(FileHead.byteCount))
    }
  }
}
