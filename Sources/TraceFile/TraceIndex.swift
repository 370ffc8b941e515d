/// Where a trace's chunks are and what they hold: the last chunk of a whole file.
///
/// Content: for each chunk its kind, the distance of its offset from the end of the one before (none:
/// chunks lie one behind the other), its bytes with header, its items, and for steps the first scheduling and the last output as zigzag
/// microseconds (differences from the ones before). All numbers are variable-length.
struct TraceIndex {
  struct Entry: Hashable {
    var kind: UInt32
    var offset: UInt64
    var byteCount: UInt64
    var itemCount: Int
    /// Place of the chunk's first item among all of its kind.
    var firstItem: Int
    /// First scheduling and last output, for chunks of steps.
    var firstTime: Int64 = 0
    var lastTime: Int64 = 0
  }

  var entries: [Entry] = []

  /// Chunks of a kind, in order.
  func chunks(of kind: ChunkKind) -> [(place: Int, entry: Entry)] {
    entries.enumerated().filter { $0.element.kind == kind.rawValue }
      .map { (place: $0.offset, entry: $0.element) }
  }

  func content() -> [UInt8] {
    var writer = ByteWriter()
    writer.unsigned(UInt64(entries.count))
    var end = UInt64(FileHead.byteCount)
    var time: Int64 = 0
    for entry in entries {
      writer.unsigned(UInt64(entry.kind))
      writer.unsigned(entry.offset - end)
      writer.unsigned(entry.byteCount)
      writer.unsigned(UInt64(entry.itemCount))
      if entry.kind == ChunkKind.steps.rawValue {
        writer.signed(entry.firstTime - time)
        writer.signed(entry.lastTime - entry.firstTime)
        time = entry.firstTime
      }
      end = entry.offset + entry.byteCount
    }
    return writer.bytes
  }

  /// Reads an index back; chunks must lie one behind the other from the head to `fileEnd`.
  init(content: [UInt8], fileEnd: UInt64) throws(Corruption) {
    var reader = ByteReader(content)
    let countMax = fileEnd / UInt64(TraceFileLimits.chunkBytesMin)
    let count = try reader.count(max: Int(clamping: countMax), "chunks")
    var end = UInt64(FileHead.byteCount)
    var time: Int64 = 0
    var items: [UInt32: Int] = [:]
    for _ in 0..<count {
      let kind = UInt32(try reader.count(max: Int(UInt32.max), "as a kind"))
      guard try reader.unsigned() == 0 else { throw Corruption("bytes between the chunks") }
      let size = try reader.unsigned()
      let next = end.addingReportingOverflow(size)
      guard !next.overflow, next.partialValue <= fileEnd,
        size >= UInt64(ChunkHeader.byteCount)
      else { throw Corruption("the index names a chunk outside of the file") }
      let itemCount = try reader.count(max: Int(Int32.max), "items")
      var entry = Entry(
        kind: kind, offset: end, byteCount: size, itemCount: itemCount,
        firstItem: items[kind, default: 0])
      guard entry.firstItem + itemCount <= Int(Int32.max) else {
        throw Corruption("too many items")
      }
      if kind == ChunkKind.steps.rawValue {
        entry.firstTime = try FileTime.sum(time, try reader.signed())
        entry.lastTime = try FileTime.sum(entry.firstTime, try reader.signed())
        time = entry.firstTime
      }
      items[kind] = entry.firstItem + itemCount
      end = next.partialValue
      entries.append(entry)
    }
    guard reader.isAtEnd, end == fileEnd else {
      throw Corruption("the index does not list every chunk")
    }
    guard chunks(of: .metadata).map(\.place) == [0] else {
      throw Corruption("the trace does not begin with its one header")
    }
  }

  init() {}
}
