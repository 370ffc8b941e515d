/// What stands before every chunk's payload: 40 bytes, little-endian.
///
/// | bytes | field |
/// |---|---|
/// | 0–3 | `RCHK` |
/// | 4–7 | kind |
/// | 8–11 | bytes of the payload: one zstd frame, then zeros if any |
/// | 12–15 | bytes of the frame's content |
/// | 16–19 | items: requests, steps, gaps |
/// | 20–23 | zero; readers do not look |
/// | 24–31 | place of the first item among all of its kind |
/// | 32–35 | CRC-32C of the payload |
/// | 36–39 | CRC-32C of the 36 bytes before |
struct ChunkHeader: Hashable {
  static let byteCount = 40
  private static let magic: UInt32 = 0x4b48_4352

  var kind: UInt32
  var payloadBytes: UInt32
  var contentBytes: UInt32
  var itemCount: UInt32
  var firstItem: UInt64
  var payloadChecksum: UInt32

  /// Bytes of the chunk, header and payload.
  var chunkBytes: UInt64 { UInt64(Self.byteCount) + UInt64(payloadBytes) }

  /// Whether a chunk may start at a place of `bytes`.
  static func isMagic(_ bytes: [UInt8], at place: Int) -> Bool {
    (0..<4).allSatisfy { bytes[place + $0] == UInt8(truncatingIfNeeded: magic >> (8 * $0)) }
  }

  func write(to writer: inout ByteWriter) {
    var header = ByteWriter()
    header.fixed(Self.magic)
    header.fixed(kind)
    header.fixed(payloadBytes)
    header.fixed(contentBytes)
    header.fixed(itemCount)
    header.fixed(UInt32(0))
    header.fixed(firstItem)
    header.fixed(payloadChecksum)
    header.fixed(CRC32C.checksum(header.bytes.span))
    writer.append(header.bytes)
  }
}

extension ChunkHeader {
  /// Reads a header and checks it against its checksum and the format's bounds.
  init(_ bytes: [UInt8]) throws(Corruption) {
    guard bytes.count == Self.byteCount else { throw Corruption("a chunk's header is cut short") }
    var reader = ByteReader(bytes)
    guard try reader.fixed(UInt32.self) == Self.magic else { throw Corruption("no chunk here") }
    kind = try reader.fixed(UInt32.self)
    payloadBytes = try reader.fixed(UInt32.self)
    contentBytes = try reader.fixed(UInt32.self)
    itemCount = try reader.fixed(UInt32.self)
    _ = try reader.fixed(UInt32.self)
    firstItem = try reader.fixed(UInt64.self)
    payloadChecksum = try reader.fixed(UInt32.self)
    guard try reader.fixed(UInt32.self) == CRC32C.checksum(bytes.span.extracting(0..<36)) else {
      throw Corruption("a chunk's header does not match its checksum")
    }
    guard contentBytes <= TraceFileLimits.contentBytesMax,
      UInt64(contentBytes) <= UInt64(payloadBytes) * UInt64(TraceFileLimits.expansionMax)
    else {
      throw Corruption("\(contentBytes) bytes of content in \(payloadBytes) are not believed")
    }
    let last = firstItem.addingReportingOverflow(UInt64(itemCount))
    guard !last.overflow, last.partialValue <= UInt64(TraceFileLimits.totalItemsMax),
      Int(itemCount) <= itemsMax
    else { throw Corruption("\(itemCount) items from \(firstItem) on are not believed") }
  }

  /// The most items that are believed of a chunk of its kind and size.
  private var itemsMax: Int {
    let justified = TraceFileLimits.itemsPerPayloadByteMax * Int(payloadBytes)
    return switch ChunkKind(rawValue: kind) {
    case .steps: TraceFileLimits.stepsMax
    case .requests, .prefixBlocks, .gaps, .ends: min(TraceFileLimits.itemsMax, justified)
    case .metadata, .index, nil: TraceFileLimits.totalItemsMax
    }
  }
}

/// Kinds of chunks; a reader skips those it does not know.
enum ChunkKind: UInt32 {
  case metadata = 1
  case requests = 2
  case steps = 3
  case gaps = 4
  case index = 5
  case prefixBlocks = 6
  case ends = 7
}
