/// A trace's file while it is written, chunk by chunk, under the name `PATH.partial`, or another that
/// must be free.
///
/// Dropped before `finish()`, it removes what it wrote, or leaves its whole chunks where it records.
struct ChunkFileWriter: ~Copyable {
  let path: String
  private let partialPath: String
  private let file: SystemFile
  private let compressor: ZstdCompressor
  private(set) var index = TraceIndex()
  private let purpose: TraceWriter.Purpose
  private var isSettled = false

  /// Creates the partial file and writes the file's head.
  ///
  /// - `newPath`: the partial file's name where `PATH.partial` may be somebody's; one that exists is an
  ///   error
  init(
    path: String, _ purpose: TraceWriter.Purpose = .conversion, newPath: String? = nil
  ) throws(TraceFileError) {
    let partialPath = newPath ?? path + ".partial"
    guard let compressor = ZstdCompressor() else {
      throw TraceFileError(.system(call: "zstd", reason: "out of memory"), path: path)
    }
    let file = try SystemFile(creating: partialPath, new: newPath != nil || purpose == .recording)
    do throws(TraceFileError) { try file.write(FileHead.bytes) } catch {
      SystemFile.remove(partialPath)
      throw error
    }
    self.path = path
    self.purpose = purpose
    self.partialPath = partialPath
    self.compressor = compressor
    self.file = file
  }

  deinit {
    switch (isSettled, purpose) {
    case (true, _): break
    case (false, .conversion): SystemFile.remove(partialPath)
    // Without its header it is nothing.
    case (false, .recording) where index.entries.isEmpty: SystemFile.remove(partialPath)
    case (false, .recording): file.truncate(to: index.end)
    }
  }

  /// Compresses and writes a chunk of columns.
  mutating func put(
    _ kind: ChunkKind, content: ChunkContent, itemCount: Int, firstItem: Int,
    payloadBytesMin: Int = 0, times: ClosedRange<Int64> = 0...0
  ) throws(TraceFileError) {
    let (bytes, boundaries) = content.assembled()
    let itemsMax = TraceFileLimits.itemsPerPayloadByteMax
    try put(
      kind, bytes: bytes, boundaries: boundaries, itemCount: itemCount, firstItem: firstItem,
      payloadBytesMin: max(payloadBytesMin, (itemCount - 1) / itemsMax + 1), times: times)
  }

  /// Compresses and writes a chunk whose content are these bytes.
  ///
  /// A payload that is small for what it stands for is filled with zeros, so that readers can hold what
  /// they allocate against the bytes that they have seen.
  mutating func put(
    _ kind: ChunkKind, bytes: [UInt8], boundaries: [Int] = [], itemCount: Int, firstItem: Int,
    payloadBytesMin: Int = 0, times: ClosedRange<Int64> = 0...0
  ) throws(TraceFileError) {
    guard bytes.count <= TraceFileLimits.contentBytesMax else {
      throw TraceFileError(
        .invalid("\(bytes.count) bytes of \(kind) are more than a chunk holds"), path: path)
    }
    var payload: [UInt8]
    do throws(Corruption) {
      payload = try compressor.frame(of: bytes.span, boundaries: boundaries)
    } catch {
      throw TraceFileError(.system(call: "zstd", reason: error.what), path: path)
    }
    let expansion = (bytes.count - 1) / TraceFileLimits.expansionMax + 1
    let missing = max(payloadBytesMin, expansion) - payload.count
    if missing > 0 { payload += repeatElement(0, count: missing) }
    let header = ChunkHeader(
      kind: kind.rawValue, payloadBytes: UInt32(payload.count),
      contentBytes: UInt32(bytes.count), itemCount: UInt32(itemCount),
      firstItem: UInt64(firstItem), payloadChecksum: CRC32C.checksum(payload.span))
    try put(header, payload, times: times)
  }

  /// Writes a chunk as it is.
  mutating func put(
    _ header: ChunkHeader, _ payload: [UInt8], times: ClosedRange<Int64>
  ) throws(TraceFileError) {
    var writer = ByteWriter()
    header.write(to: &writer)
    writer.append(payload)
    try file.write(writer.bytes)
    index.append(
      kind: header.kind, byteCount: header.chunkBytes, itemCount: Int(header.itemCount),
      times: times)
  }

  /// Writes index and end mark, waits for the disk and gives the file its name; all its bytes.
  @discardableResult
  consuming func finish() throws(TraceFileError) -> UInt64 {
    let content = index.content()
    let offset = index.end
    try put(.index, bytes: content, itemCount: index.entries.count, firstItem: 0)
    try file.write(FileTail.bytes(indexOffset: offset, indexBytes: UInt32(index.end - offset)))
    try file.synchronize()
    try SystemFile.rename(partialPath, to: path)
    isSettled = true
    SystemFile.synchronizeFolder(of: path)
    return index.end + UInt64(FileTail.byteCount)
  }

  /// Leaves the partial file as a crash would.
  consuming func abandon() { isSettled = true }
}
