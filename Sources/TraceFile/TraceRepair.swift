public import TraceModel

/// What a repair saved.
public struct RepairReport: Hashable, Sendable {
  /// What the repaired trace holds.
  public var totals: TraceTotals
  /// Bytes at the end of the damaged file that belong to no whole chunk.
  public var lostBytes: ByteCount
}

/// Saves the whole chunks of a trace whose writer died, or whose end was lost.
public enum TraceRepair {
  /// Writes the whole chunks at the start of `path` to a new trace.
  ///
  /// Reading stops at the first chunk that is not whole. A file without even a header cannot be saved.
  public static func repair(path: String, to output: String) throws(TraceFileError) -> RepairReport
  {
    let chunks = try ChunkFile(path: path)
    let (index, end) = try wholeChunks(of: chunks)
    let damaged = try TraceReader(chunks: chunks, index: index)
    var writer = try TraceWriter(path: output, header: damaged.header)
    for request in try damaged.requests() { try writer.append(request) }
    for gap in damaged.gaps { try writer.append(gap) }
    var steps = try damaged.steps()
    var step = TraceStep()
    while try steps.next(into: &step) { try writer.append(step) }
    try writer.finish()
    return RepairReport(
      totals: try TraceReader(path: output).totals(),
      lostBytes: ByteCount(Int64(chunks.byteCount - end)))
  }

  /// An index of the chunks that are whole and in order, and where they end.
  private static func wholeChunks(
    of chunks: ChunkFile
  ) throws(TraceFileError) -> (index: TraceIndex, end: UInt64) {
    var index = TraceIndex()
    var offset = UInt64(FileHead.byteCount)
    while let header = try chunks.header(at: offset) {
      let entry = TraceIndex.Entry(
        kind: header.kind, offset: offset,
        byteCount: UInt64(ChunkHeader.byteCount) + UInt64(header.payloadBytes),
        itemCount: Int(header.itemCount), firstItem: Int(header.firstItem))
      guard entry.offset + entry.byteCount <= chunks.byteCount,
        (try? chunks.decode(nil, entry, { _ throws(Corruption) in () })) != nil
      else { break }
      offset = entry.offset + entry.byteCount
      if header.kind != ChunkKind.index.rawValue { index.entries.append(entry) }
    }
    return (index, offset)
  }
}
