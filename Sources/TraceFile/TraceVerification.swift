internal import TraceModel

/// Reads everything in a trace and believes nothing.
public enum TraceVerification {
  /// What the trace holds, or the first thing that is wrong in it.
  public static func verify(path: String) throws(TraceFileError) -> TraceTotals {
    let reader = try TraceReader(path: path)
    for (place, entry) in reader.index.entries.enumerated() {
      _ = try reader.chunks.decode(place, entry) { _ throws(Corruption) in () }
    }
    var last: Int64?
    for chunk in reader.index.chunks(of: .steps) {
      last = try verify(chunk, of: reader, after: last)
    }
    return try reader.totals()
  }

  /// Holds a chunk's steps to their order and to the times that the index gives; returns the last
  /// step's number.
  private static func verify(
    _ chunk: (place: Int, entry: TraceIndex.Entry), of reader: TraceReader, after before: Int64?
  ) throws(TraceFileError) -> Int64? {
    func corrupt(_ what: String) -> TraceFileError {
      reader.chunks.corrupt(what, chunk.place, chunk.entry.offset)
    }
    var steps = try TraceStepReader(trace: reader, chunks: [chunk])
    var step = TraceStep()
    var number = before
    var first: Int64?
    var latest = Int64.min
    while try steps.next(into: &step) {
      if let number, step.number <= number {
        throw corrupt("step \(step.number) comes after step \(number)")
      }
      number = step.number
      first = first ?? FileTime.microseconds(step.scheduleStart)
      latest = max(latest, FileTime.microseconds(step.output ?? step.scheduleEnd))
    }
    guard first == chunk.entry.firstTime, latest == chunk.entry.lastTime else {
      throw corrupt("the index gives other times than the steps")
    }
    return number
  }
}
