/// The content of a chunk while it is put together: parameters, then columns.
///
/// | part | bytes |
/// |---|---|
/// | count of parameters | varint |
/// | each parameter | number (varint), value (signed varint) |
/// | count of columns | varint |
/// | each column | number (varint), form (varint), bytes (varint) where form is above 8 |
/// | the columns' bytes | one column after the other, in the order above |
///
/// Forms 0 to 8 are that many planes: plane 0 holds the lowest byte of every item's number, plane 1 the
/// next, so a column has items × planes bytes. Bytes of one significance have one distribution, and
/// zstd finds it best when they lie together; each plane starts a zstd block of its own.
struct ChunkContent {
  /// The form of a column that is not planes but bytes of its own making.
  static let bytesForm: UInt64 = 9

  private var parameters = ByteWriter()
  private var parameterCount = 0
  private var directory = ByteWriter()
  private var columnCount = 0
  private var data: [UInt8] = []
  private var boundaries: [Int] = []

  /// Adds a parameter, unless it has the value that a reader assumes.
  mutating func add(parameter number: UInt64, _ value: Int64, unless assumed: Int64 = 0) {
    guard value != assumed else { return }
    parameters.unsigned(number)
    parameters.signed(value)
    parameterCount += 1
  }

  /// Adds a column of numbers in as few planes as the largest needs, at least `planesMin`.
  mutating func add(column number: UInt64, _ values: [UInt64], planesMin: Int = 0) {
    let bits = values.reduce(0, |).significantBits
    let planes = max(planesMin, (bits + 7) / 8)
    guard planes > 0 else { return }
    directory.unsigned(number)
    directory.unsigned(UInt64(planes))
    columnCount += 1
    for plane in 0..<planes {
      boundaries.append(data.count)
      for value in values { data.append(UInt8(truncatingIfNeeded: value >> (8 * plane))) }
    }
  }

  /// Adds a column of signed numbers, zigzag-coded.
  mutating func add(column number: UInt64, signed values: [Int64]) {
    add(column: number, values.map(\.zigzag))
  }

  /// Adds a column of bytes, unless there are none.
  mutating func add(column number: UInt64, bytes: [UInt8]) {
    guard !bytes.isEmpty else { return }
    directory.unsigned(number)
    directory.unsigned(Self.bytesForm)
    directory.unsigned(UInt64(bytes.count))
    columnCount += 1
    boundaries.append(data.count)
    data += bytes
  }

  /// The bytes to compress, and where in them a zstd block is to start.
  func assembled() -> (bytes: [UInt8], boundaries: [Int]) {
    var writer = ByteWriter()
    writer.unsigned(UInt64(parameterCount))
    writer.append(parameters.bytes)
    writer.unsigned(UInt64(columnCount))
    writer.append(directory.bytes)
    let start = writer.bytes.count
    writer.append(data)
    return (writer.bytes, boundaries.map { $0 + start })
  }
}

extension Int64 {
  /// The numbers 0, -1, 1, -2, … as 0, 1, 2, 3, … in this order.
  var zigzag: UInt64 { UInt64(bitPattern: (self << 1) ^ (self >> 63)) }

  /// The number whose `zigzag` is given.
  init(zigzag value: UInt64) {
    self = Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
  }
}

extension UInt64 {
  /// Bits up to the highest that is set.
  var significantBits: Int { 64 - leadingZeroBitCount }
}
