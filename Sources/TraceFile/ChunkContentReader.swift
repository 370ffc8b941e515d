/// The content of a chunk that was read; columns and parameters that are missing read as zeros.
struct ChunkContentReader {
  private struct Column {
    var number: UInt64
    var form: UInt64
    var range: Range<Int>
  }

  private let bytes: [UInt8]
  private let itemCount: Int
  private var parameters: [(number: UInt64, value: Int64)] = []
  private var columns: [Column] = []

  /// Reads the directory; `itemCount` is what the chunk's header says, already bounded.
  init(_ bytes: [UInt8], itemCount: Int) throws(Corruption) {
    self.bytes = bytes
    self.itemCount = itemCount
    var reader = ByteReader(bytes)
    for _ in 0..<(try reader.count(max: TraceFileLimits.columnsMax, "parameters")) {
      parameters.append((try reader.unsigned(), try reader.signed()))
    }
    var sizes: [Int] = []
    for _ in 0..<(try reader.count(max: TraceFileLimits.columnsMax, "columns")) {
      let number = try reader.unsigned()
      let form = try reader.unsigned()
      columns.append(Column(number: number, form: form, range: 0..<0))
      sizes.append(
        form < ChunkContent.bytesForm
          ? Int(form) * itemCount : try reader.count(max: bytes.count, "bytes in a column"))
    }
    for index in columns.indices {
      columns[index].range = try reader.skip(sizes[index])
    }
    guard reader.isAtEnd else { throw Corruption("bytes behind the last column") }
  }

  /// A parameter's value, or the one assumed where it is missing.
  func parameter(_ number: UInt64, assumed: Int64 = 0) -> Int64 {
    parameters.first { $0.number == number }?.value ?? assumed
  }

  /// A parameter's value within bounds.
  func parameter(
    _ number: UInt64, assumed: Int64 = 0, in bounds: ClosedRange<Int64>
  ) throws(Corruption) -> Int64 {
    let value = parameter(number, assumed: assumed)
    guard bounds.contains(value) else { throw Corruption("parameter \(number) is \(value)") }
    return value
  }

  /// Whether a column has at least one plane, and so one byte for each item.
  func hasPlanes(_ number: UInt64) -> Bool {
    columns.first { $0.number == number }.map { (1..<ChunkContent.bytesForm).contains($0.form) }
      ?? false
  }

  /// Overwrites `values` with a column's numbers, one for each item.
  func read(_ number: UInt64, into values: inout [UInt64]) throws(Corruption) {
    values.removeAll(keepingCapacity: true)
    values.append(contentsOf: repeatElement(0, count: itemCount))
    guard let column = columns.first(where: { $0.number == number }) else { return }
    guard column.form < ChunkContent.bytesForm else {
      throw Corruption("column \(number) has a wrong form")
    }
    let bytes = bytes.span
    var numbers = values.mutableSpan
    for plane in 0..<Int(column.form) {
      let start = column.range.lowerBound + plane * itemCount
      let shift = UInt64(8 * plane)
      for index in 0..<itemCount { numbers[index] |= UInt64(bytes[start + index]) &<< shift }
    }
  }

  /// A column's numbers, one for each item.
  func unsigned(_ number: UInt64) throws(Corruption) -> [UInt64] {
    var values: [UInt64] = []
    try read(number, into: &values)
    return values
  }

  /// A column's signed numbers, one for each item.
  func signed(_ number: UInt64) throws(Corruption) -> [Int64] {
    try unsigned(number).map(Int64.init(zigzag:))
  }

  /// A reader of a column of bytes.
  func stream(_ number: UInt64) throws(Corruption) -> ByteReader {
    guard let column = columns.first(where: { $0.number == number }) else { return ByteReader([]) }
    guard column.form == ChunkContent.bytesForm else {
      throw Corruption("column \(number) has a wrong form")
    }
    return ByteReader(bytes, column.range)
  }
}
