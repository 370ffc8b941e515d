public import TraceModel

/// What a repair saved, and what it could not.
public struct RepairReport: Hashable, Sendable {
  /// What the repaired trace holds.
  public var totals: TraceTotals
  /// Bytes of the damaged file that belong to no whole chunk, index and end mark not counted.
  public var lostBytes: ByteCount
  /// Steps that are known to have been in damaged chunks; the repaired trace has gaps for them.
  public var lostSteps: Int
}

/// Saves the whole chunks of a trace whose writer died, or whose bytes were damaged.
///
/// Chunks are copied as they are, those of unknown kinds included. Damaged chunks of steps are left out
/// and counted as gaps; behind a damaged chunk of requests nothing is saved, because rows name requests
/// by their place.
public enum TraceRepair {
  /// Writes what can be saved of the trace at `path` to a new one.
  ///
  /// A file without a whole header cannot be saved. What is written stands under a name of its own
  /// until it is whole: the damaged trace is often the output's own unfinished file, `OUTPUT.partial`.
  public static func repair(path: String, to output: String) throws(TraceFileError) -> RepairReport
  {
    let chunks = try ChunkFile(path: path)
    guard !chunks.isFile(at: output) else {
      throw TraceFileError(
        .invalid("is the damaged trace itself; write the repaired one elsewhere"), path: output)
    }
    var writer = try ChunkFileWriter(path: output, newPath: output + ".repairing")
    var salvage = TraceSalvage()
    var offset = UInt64(FileHead.byteCount)
    var lost: UInt64 = 0
    while let next = try chunks.nextChunk(from: offset) {
      lost += next.offset - offset
      offset = next.offset + next.header.chunkBytes
      let isSaved = try salvage.take(next.offset, next.header, chunks, into: &writer)
      if !isSaved { lost += next.header.chunkBytes }
      if salvage.isOver { break }
    }
    guard writer.index.entries.first?.kind == ChunkKind.metadata.rawValue else {
      throw chunks.corrupt("nothing can be saved without the header", 0, UInt64(FileHead.byteCount))
    }
    try salvage.putGaps(into: &writer)
    try writer.finish()
    let end = chunks.byteCount - (try chunks.tailByteCount())
    lost += end - min(offset, end)
    return RepairReport(
      totals: try TraceReader(path: output).totals(), lostBytes: ByteCount(Int64(clamping: lost)),
      lostSteps: salvage.lostSteps)
  }
}

extension ChunkFile {
  /// The first header from `offset` on that matches its checksum, whose payload the file has.
  func nextChunk(
    from offset: UInt64
  ) throws(TraceFileError) -> (offset: UInt64, header: ChunkHeader)? {
    var start = offset
    while start < byteCount {
      let window = try read(count: TraceFileLimits.searchBytes, at: start)
      for place in window.indices.dropLast(ChunkHeader.byteCount - 1)
      where ChunkHeader.isMagic(window, at: place) {
        let bytes = Array(window[place..<(place + ChunkHeader.byteCount)])
        let found = start + UInt64(place)
        if let header = try? ChunkHeader(bytes), header.chunkBytes <= byteCount - found {
          return (found, header)
        }
      }
      let passed = window.count - (ChunkHeader.byteCount - 1)
      guard passed > 0 else { return nil }
      start += UInt64(passed)
    }
    return nil
  }

  /// Bytes of the end mark, if the file has one.
  fileprivate func tailByteCount() throws(TraceFileError) -> UInt64 {
    let size = UInt64(FileTail.byteCount)
    guard byteCount >= size else { return 0 }
    return FileTail.read(try read(count: FileTail.byteCount, at: byteCount - size)) == nil
      ? 0 : size
  }
}
