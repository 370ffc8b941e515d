/// What stands before every chunk's payload: 40 bytes, little-endian.
///
/// | bytes | field |
/// |---|---|
/// | 0–3 | `RCHK` |
/// | 4–7 | kind |
/// | 8–11 | bytes of the payload, one zstd frame |
/// | 12–15 | bytes of the frame's content |
/// | 16–19 | items: requests, steps, gaps |
/// | 20–23 | zero |
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

  /// Whether a payload may be taken at its word about the size of its content.
  static func isBelievable(contentBytes: Int, payloadBytes: Int) -> Bool {
    contentBytes <= TraceFileLimits.contentBytesMax
      && (contentBytes <= TraceFileLimits.contentBytesBelieved
        || contentBytes <= payloadBytes * TraceFileLimits.expansionMax)
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
    guard
      Self.isBelievable(contentBytes: Int(contentBytes), payloadBytes: Int(payloadBytes))
    else {
      throw Corruption("\(contentBytes) bytes of content in \(payloadBytes) are not believed")
    }
    guard firstItem <= UInt64(Int32.max) * 4 else { throw Corruption("an absurd place of an item") }
  }
}

/// Kinds of chunks; a reader skips those it does not know.
enum ChunkKind: UInt32 {
  case metadata = 1
  case requests = 2
  case steps = 3
  case gaps = 4
  case index = 5
}

/// The 16 bytes at the start of a file.
enum FileHead {
  static let byteCount = 16
  static let magic: [UInt8] = [0x89] + Array("REPRISE".utf8)
  /// Grows when older readers would misread a file; columns and chunks may be added without.
  static let version: UInt32 = 1

  static var bytes: [UInt8] {
    var writer = ByteWriter()
    writer.append(magic)
    writer.fixed(version)
    writer.fixed(CRC32C.checksum(writer.bytes.span))
    return writer.bytes
  }

  static func check(_ bytes: [UInt8]) throws(TraceFileError.Failure) {
    for index in magic.indices {
      guard index < bytes.count, bytes[index] == magic[index] else { throw .init(.notATrace) }
    }
    guard bytes.count == byteCount else { throw .init(.unfinished) }
    var reader = ByteReader(bytes, 8..<16)
    let version = (try? reader.fixed(UInt32.self)) ?? 0
    let checksum = (try? reader.fixed(UInt32.self)) ?? 0
    guard checksum == CRC32C.checksum(bytes.span.extracting(0..<12)) else {
      throw .init(.corrupt("the file's first 16 bytes do not match their checksum"))
    }
    guard version <= self.version else { throw .init(.newerVersion(version)) }
    guard version > 0 else { throw .init(.corrupt("format version 0")) }
  }
}

extension TraceFileError {
  /// A kind on its way to the place where it is known.
  struct Failure: Error, Hashable {
    var kind: Kind
    init(_ kind: Kind) { self.kind = kind }
  }
}

/// The 24 bytes at the end of a whole file: where the index is.
enum FileTail {
  static let byteCount = 24
  private static let magic = Array("REPREND\n".utf8)

  static func bytes(indexOffset: UInt64, indexBytes: UInt32) -> [UInt8] {
    var writer = ByteWriter()
    writer.fixed(indexOffset)
    writer.fixed(indexBytes)
    writer.fixed(CRC32C.checksum(writer.bytes.span))
    writer.append(magic)
    return writer.bytes
  }

  /// Where the index is, or `nil` where these bytes are no end mark.
  static func read(_ bytes: [UInt8]) -> (indexOffset: UInt64, indexBytes: UInt32)? {
    guard bytes.count == byteCount, Array(bytes[16...]) == magic else { return nil }
    var reader = ByteReader(bytes)
    guard let offset = try? reader.fixed(UInt64.self), let size = try? reader.fixed(UInt32.self),
      let checksum = try? reader.fixed(UInt32.self),
      checksum == CRC32C.checksum(bytes.span.extracting(0..<12))
    else { return nil }
    return (offset, size)
  }
}
