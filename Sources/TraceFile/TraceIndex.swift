/// Where a trace's chunks are and what they hold: the last chunk of a whole file.
///
/// Content, all varints: the count of chunks; for each its kind, its bytes with header, its items, and
/// for steps the earliest scheduling as a signed difference from that of the chunk of steps before, and
/// how much later the latest one is, in nanoseconds. Chunks lie one behind the other from byte 16 on.
struct TraceIndex {
  struct Entry: Hashable {
    var kind: UInt32
    var offset: UInt64
    var byteCount: UInt64
    var itemCount: Int
    /// Place of the chunk's first item among all of its kind.
    var firstItem: Int
    /// When the steps of a chunk were scheduled, first and last, in nanoseconds.
    var times: ClosedRange<Int64> = 0...0

    /// Places of the chunk's items among all of its kind.
    var items: Range<Int> { firstItem..<(firstItem + itemCount) }
  }

  private(set) var entries: [Entry] = []
  /// Where the last chunk ends.
  private(set) var end = UInt64(FileHead.byteCount)
  private var itemCounts: [UInt32: Int] = [:]

  init() {}

  /// Items of a kind in all chunks.
  func itemCount(of kind: ChunkKind) -> Int { itemCounts[kind.rawValue, default: 0] }

  /// Chunks of a kind, in order, with their places among all.
  func chunks(of kind: ChunkKind) -> [(place: Int, entry: Entry)] {
    entries.enumerated().filter { $0.element.kind == kind.rawValue }
      .map { (place: $0.offset, entry: $0.element) }
  }

  /// Adds the chunk behind the last one.
  mutating func append(
    kind: UInt32, byteCount: UInt64, itemCount: Int, times: ClosedRange<Int64> = 0...0
  ) {
    // Prefix blocks are about a range of requests, which need not start where the last one ended;
    // their own header says where.
    entries.append(
      Entry(
        kind: kind, offset: end, byteCount: byteCount, itemCount: itemCount,
        firstItem: itemCounts[kind, default: 0], times: times))
    itemCounts[kind, default: 0] += itemCount
    end += byteCount
  }

  func content() -> [UInt8] {
    var writer = ByteWriter()
    writer.unsigned(UInt64(entries.count))
    var time: Int64 = 0
    for entry in entries {
      writer.unsigned(UInt64(entry.kind))
      writer.unsigned(entry.byteCount)
      writer.unsigned(UInt64(entry.itemCount))
      if entry.kind == ChunkKind.steps.rawValue {
        writer.signed(entry.times.lowerBound &- time)
        writer.unsigned(UInt64(bitPattern: entry.times.upperBound &- entry.times.lowerBound))
        time = entry.times.lowerBound
      }
    }
    return writer.bytes
  }

  /// Reads an index back, whose chunks must fill the file up to `fileEnd`.
  init(content: [UInt8], fileEnd: UInt64) throws(Corruption) {
    var reader = ByteReader(content)
    let countMax = fileEnd / UInt64(ChunkHeader.byteCount)
    let count = try reader.count(max: Int(clamping: countMax), "chunks")
    var time: Int64 = 0
    for _ in 0..<count {
      let kind = UInt32(try reader.count(max: Int(UInt32.max), "as a kind"))
      let size = try reader.unsigned()
      guard size >= UInt64(ChunkHeader.byteCount), size <= fileEnd - end else {
        throw Corruption("the index names a chunk outside of the file")
      }
      let itemCount = try reader.count(max: TraceFileLimits.totalItemsMax, "items")
      guard itemCounts[kind, default: 0] + itemCount <= TraceFileLimits.totalItemsMax else {
        throw Corruption("too many items")
      }
      var times: ClosedRange<Int64> = 0...0
      if kind == ChunkKind.steps.rawValue {
        time &+= try reader.signed()
        let length = try reader.unsigned()
        let timeMax = TraceFileLimits.timeMax
        guard (-timeMax...timeMax).contains(time), length <= UInt64(2 * timeMax) else {
          throw Corruption("the index has a time that is out of range")
        }
        times = time...(time + Int64(length))
      }
      append(kind: kind, byteCount: size, itemCount: itemCount, times: times)
    }
    guard end == fileEnd, reader.isAtEnd else {
      throw Corruption("the index does not account for all bytes")
    }
  }
}
