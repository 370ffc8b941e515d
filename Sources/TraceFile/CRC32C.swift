/// The Castagnoli checksum (RFC 3720, appendix B.4), over headers and compressed payloads.
///
/// zstd's own frame checksum covers the content; this one finds flipped bytes before a frame is
/// decompressed, and covers what stands outside of frames.
enum CRC32C {
  private static let table: [UInt32] = (0..<256).map { index in
    var value = UInt32(index)
    for _ in 0..<8 { value = value & 1 == 1 ? 0x82f6_3b78 ^ (value >> 1) : value >> 1 }
    return value
  }

  static func checksum(_ bytes: Span<UInt8>) -> UInt32 {
    unsafe table.withUnsafeBufferPointer { table in
      var value: UInt32 = .max
      for index in bytes.indices {
        value = unsafe table[Int(UInt8(truncatingIfNeeded: value) ^ bytes[index])] ^ (value >> 8)
      }
      return ~value
    }
  }
}
