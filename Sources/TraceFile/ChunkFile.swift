/// A trace's file as a row of chunks: bounds, checksums and decompression, before any meaning.
final class ChunkFile: Sendable {
  let path: String
  let byteCount: UInt64
  private let file: SystemFile

  /// Opens a file that starts as a trace does.
  init(path: String) throws(TraceFileError) {
    let file = try SystemFile(reading: path)
    let byteCount = try file.byteCount()
    let head = try file.read(count: Int(min(UInt64(FileHead.byteCount), byteCount)), at: 0)
    do throws(TraceFileError.Failure) { try FileHead.check(head) } catch {
      throw TraceFileError(error.kind, path: path, offset: 0)
    }
    self.path = path
    self.byteCount = byteCount
    self.file = file
  }

  /// The index that the end mark points to.
  func readIndex() throws(TraceFileError) -> TraceIndex {
    let tailBytes = UInt64(FileTail.byteCount)
    guard byteCount >= UInt64(FileHead.byteCount) + tailBytes,
      let tail = FileTail.read(try file.read(count: FileTail.byteCount, at: byteCount - tailBytes))
    else { throw TraceFileError(.unfinished, path: path, offset: byteCount) }
    let end = byteCount - tailBytes
    guard tail.indexOffset >= UInt64(FileHead.byteCount),
      tail.indexOffset.addingReportingOverflow(UInt64(tail.indexBytes)) == (end, false)
    else {
      throw TraceFileError(
        .corrupt("the end mark points outside of the file"), path: path, offset: end)
    }
    let entry = TraceIndex.Entry(
      kind: ChunkKind.index.rawValue, offset: tail.indexOffset, byteCount: UInt64(tail.indexBytes),
      itemCount: 0, firstItem: 0)
    return try decode(nil, entry) { content throws(Corruption) in
      try TraceIndex(content: content, fileEnd: tail.indexOffset)
    }
  }

  /// The header of the chunk at an offset, or `nil` where no whole header is there.
  func header(at offset: UInt64) throws(TraceFileError) -> ChunkHeader? {
    let bytes = try file.read(count: ChunkHeader.byteCount, at: offset)
    return try? ChunkHeader(bytes)
  }

  /// A chunk's content, checked against the entry that named it, given to `body`.
  ///
  /// What `body` finds wrong is reported with the chunk and its offset.
  func decode<Result>(
    _ place: Int?, _ entry: TraceIndex.Entry, _ body: ([UInt8]) throws(Corruption) -> Result
  ) throws(TraceFileError) -> Result {
    let payloadOffset = entry.offset + UInt64(ChunkHeader.byteCount)
    guard entry.byteCount >= UInt64(ChunkHeader.byteCount), entry.byteCount <= byteCount,
      entry.offset <= byteCount - entry.byteCount
    else { throw corrupt("the chunk lies outside of the file", place, entry.offset) }
    let headerBytes = try file.read(count: ChunkHeader.byteCount, at: entry.offset)
    do throws(Corruption) {
      let header = try ChunkHeader(headerBytes)
      let isNamed = entry.kind == ChunkKind.index.rawValue
      guard header.kind == entry.kind,
        UInt64(header.payloadBytes) + UInt64(ChunkHeader.byteCount) == entry.byteCount,
        isNamed
          || (Int(header.itemCount) == entry.itemCount && header.firstItem == entry.firstItem)
      else { throw Corruption("the chunk is not what the index says") }
      let payload: [UInt8]
      do throws(TraceFileError) {
        payload = try file.read(count: Int(header.payloadBytes), at: payloadOffset)
      } catch {
        throw Corruption(error.message)
      }
      guard payload.count == Int(header.payloadBytes),
        CRC32C.checksum(payload.span) == header.payloadChecksum
      else { throw Corruption("the payload does not match its checksum") }
      guard let decompressor = ZstdDecompressor() else { throw Corruption("out of memory") }
      return try body(
        try decompressor.content(of: payload.span, size: Int(header.contentBytes)))
    } catch {
      throw corrupt(error.what, place, entry.offset)
    }
  }

  func corrupt(_ what: String, _ place: Int?, _ offset: UInt64) -> TraceFileError {
    TraceFileError(.corrupt(what), path: path, chunk: place, offset: offset)
  }
}
