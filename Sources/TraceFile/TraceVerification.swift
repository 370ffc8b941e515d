internal import TraceModel

/// Reads everything in a trace and believes nothing.
public enum TraceVerification {
  /// What the trace holds, or the first thing that is wrong in it.
  public static func verify(path: String) throws(TraceFileError) -> TraceTotals {
    let reader = try TraceReader(path: path)
    // The index must agree with the chunks themselves, one behind the other from head to end mark.
    var offset = UInt64(FileHead.byteCount)
    for (place, entry) in reader.index.entries.enumerated() {
      guard entry.offset == offset else {
        throw reader.chunks.corrupt("bytes between the chunks", place, offset)
      }
      _ = try reader.chunks.decode(place, entry) { _ throws(Corruption) in () }
      offset = entry.offset + entry.byteCount
    }
    var steps = try reader.steps()
    var step = TraceStep()
    var last = Int64.min
    while try steps.next(into: &step) {
      guard step.number > last else {
        throw reader.chunks.corrupt("step \(step.number) comes after step \(last)", nil, offset)
      }
      last = step.number
    }
    return try reader.totals()
  }
}
