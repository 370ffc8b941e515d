/// Takes numbers off the front of a range of bytes; every read is checked.
struct ByteReader {
  private let bytes: [UInt8]
  private let end: Int
  private var position: Int

  init(_ bytes: [UInt8]) { self.init(bytes, 0..<bytes.count) }

  /// A reader of a part of `bytes`, which it shares.
  init(_ bytes: [UInt8], _ range: Range<Int>) {
    precondition(range.upperBound <= bytes.count, "the range lies in the bytes")
    self.bytes = bytes
    position = range.lowerBound
    end = range.upperBound
  }

  var isAtEnd: Bool { position == end }
  var remaining: Int { end - position }

  mutating func fixed<Number: FixedWidthInteger & UnsignedInteger>(
    _ type: Number.Type
  ) throws(Corruption) -> Number {
    let size = Number.bitWidth / 8
    guard remaining >= size else { throw Corruption("ends inside a number") }
    var value: Number = 0
    for index in 0..<size { value |= Number(bytes[position + index]) << (8 * index) }
    position += size
    return value
  }

  @inline(__always)
  mutating func unsigned() throws(Corruption) -> UInt64 {
    if position < end {
      let byte = bytes[position]
      if byte < 0x80 {
        position += 1
        return UInt64(byte)
      }
    }
    return try longUnsigned()
  }

  @inline(never)
  private mutating func longUnsigned() throws(Corruption) -> UInt64 {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while position < end {
      let byte = bytes[position]
      position += 1
      guard shift < 63 || byte <= 1 else { throw Corruption("a number has more than 64 bits") }
      value |= UInt64(byte & 0x7f) << shift
      if byte < 0x80 { return value }
      shift += 7
    }
    throw Corruption("ends inside a number")
  }

  @inline(__always)
  mutating func signed() throws(Corruption) -> Int64 {
    Int64(zigzag: try unsigned())
  }

  /// A count within a bound of the format; `what` names the things counted.
  mutating func count(max: Int, _ what: String) throws(Corruption) -> Int {
    let value = try unsigned()
    guard value <= UInt64(max) else { throw Corruption("\(value) \(what), more than \(max)") }
    return Int(value)
  }

  /// The place of the next `count` bytes, which are passed over.
  mutating func skip(_ count: Int) throws(Corruption) -> Range<Int> {
    guard count >= 0, count <= remaining else { throw Corruption("a column is cut short") }
    defer { position += count }
    return position..<(position + count)
  }
}
