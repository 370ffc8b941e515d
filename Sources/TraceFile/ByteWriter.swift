/// Appends numbers to bytes: fixed little-endian ones and variable-length ones.
struct ByteWriter {
  private(set) var bytes: [UInt8] = []

  mutating func removeAll() { bytes.removeAll(keepingCapacity: true) }

  mutating func fixed<Number: FixedWidthInteger & UnsignedInteger>(_ value: Number) {
    var rest = value
    for _ in 0..<(Number.bitWidth / 8) {
      bytes.append(UInt8(truncatingIfNeeded: rest))
      rest >>= 8
    }
  }

  /// LEB128: seven bits a byte, the lowest first, the high bit set on all but the last.
  @inline(__always)
  mutating func unsigned(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(truncatingIfNeeded: rest))
  }

  /// Zigzag, so that small numbers of either sign are short: 0, -1, 1, -2 become 0, 1, 2, 3.
  @inline(__always)
  mutating func signed(_ value: Int64) {
    unsigned(UInt64(bitPattern: (value << 1) ^ (value >> 63)))
  }

  mutating func append(_ other: [UInt8]) { bytes.append(contentsOf: other) }
}
