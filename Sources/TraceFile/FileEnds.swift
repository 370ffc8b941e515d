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
