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

  /// Whether a path leads to this very file, by whatever name.
  func isFile(at path: String) -> Bool { file.isFile(at: path) }

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
    return try decode(nil, at: tail.indexOffset, byteCount: UInt64(tail.indexBytes)) {
      header, content throws(Corruption) in
      guard header.kind == ChunkKind.index.rawValue else { throw Corruption("no index here") }
      return try TraceIndex(content: content, fileEnd: tail.indexOffset)
    }
  }

  /// `count` bytes from `offset`, fewer only at the file's end.
  func read(count: Int, at offset: UInt64) throws(TraceFileError) -> [UInt8] {
    let left = byteCount - min(offset, byteCount)
    return try file.read(count: Int(min(UInt64(count), left)), at: offset)
  }

  /// A chunk's content, given to `body` when it is what the index says.
  ///
  /// What `body` finds wrong is reported with the chunk and its offset.
  func decode<Result>(
    _ place: Int, _ entry: TraceIndex.Entry,
    _ body: (ChunkHeader, [UInt8]) throws(Corruption) -> Result
  ) throws(TraceFileError) -> Result {
    try decode(place, at: entry.offset, byteCount: entry.byteCount) {
      header, content throws(Corruption) in
      // Prefix blocks name the requests that they are about, so the index cannot know their place.
      guard header.kind == entry.kind, Int(header.itemCount) == entry.itemCount,
        entry.kind == ChunkKind.prefixBlocks.rawValue || Int(header.firstItem) == entry.firstItem
      else { throw Corruption("the chunk is not what the index says") }
      return try body(header, content)
    }
  }

  /// A chunk's header and content, given to `body`.
  func decode<Result>(
    _ place: Int?, at offset: UInt64, byteCount: UInt64,
    _ body: (ChunkHeader, [UInt8]) throws(Corruption) -> Result
  ) throws(TraceFileError) -> Result {
    let (header, payload) = try chunk(place, at: offset, byteCount: byteCount)
    do throws(Corruption) {
      return try body(header, try Self.content(of: payload, header))
    } catch {
      throw corrupt(error.what, place, offset)
    }
  }

  /// What a payload was compressed from; its size is bounded by the header's checks.
  static func content(of payload: [UInt8], _ header: ChunkHeader) throws(Corruption) -> [UInt8] {
    guard let decompressor = ZstdDecompressor() else { throw Corruption("out of memory") }
    return try decompressor.content(of: payload.span, size: Int(header.contentBytes))
  }

  /// A chunk's header and payload, held against their checksums.
  func chunk(
    _ place: Int?, at offset: UInt64, byteCount: UInt64
  ) throws(TraceFileError) -> (header: ChunkHeader, payload: [UInt8]) {
    guard byteCount >= UInt64(ChunkHeader.byteCount), byteCount <= self.byteCount,
      offset <= self.byteCount - byteCount
    else { throw corrupt("the chunk lies outside of the file", place, offset) }
    let headerBytes = try file.read(count: ChunkHeader.byteCount, at: offset)
    let header: ChunkHeader
    do throws(Corruption) { header = try ChunkHeader(headerBytes) } catch {
      throw corrupt(error.what, place, offset)
    }
    guard header.chunkBytes == byteCount else {
      throw corrupt("the chunk is not as long as was said", place, offset)
    }
    let payload = try file.read(
      count: Int(header.payloadBytes), at: offset + UInt64(ChunkHeader.byteCount))
    guard payload.count == Int(header.payloadBytes),
      CRC32C.checksum(payload.span) == header.payloadChecksum
    else { throw corrupt("the payload does not match its checksum", place, offset) }
    return (header, payload)
  }

  func corrupt(_ what: String, _ place: Int?, _ offset: UInt64) -> TraceFileError {
    TraceFileError(.corrupt(what), path: path, chunk: place, offset: offset)
  }
}
