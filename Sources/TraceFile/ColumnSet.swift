/// The columns of one chunk: written side by side, stored one after the other.
///
/// Content of a chunk: the count of columns (u16), for each its number (u16) and its bytes' count (u32),
/// then the bytes of all columns in the same order. A reader skips columns that it does not know.
struct ColumnWriter {
  private var columns: [ByteWriter]

  init(columnCount: Int) { columns = Array(repeating: ByteWriter(), count: columnCount) }

  subscript(index: Int) -> ByteWriter {
    get { columns[index] }
    _modify { yield &columns[index] }
  }

  /// Bytes in all columns.
  var byteCount: Int { columns.reduce(0) { $0 + $1.bytes.count } }

  /// The chunk's content; column i has number i + 1.
  ///
  /// Empty columns are left out.
  func content() -> [UInt8] {
    var writer = ByteWriter()
    let present = columns.indices.filter { !columns[$0].bytes.isEmpty }
    writer.fixed(UInt16(present.count))
    for index in present {
      writer.fixed(UInt16(index + 1))
      writer.fixed(UInt32(columns[index].bytes.count))
    }
    for index in present { writer.append(columns[index].bytes) }
    return writer.bytes
  }
}

/// The columns of a chunk that was read; one that is missing reads as empty.
struct ColumnReader {
  private var columns: [ByteReader]

  init(content: [UInt8], columnCount: Int) throws(Corruption) {
    var reader = ByteReader(content)
    columns = Array(repeating: ByteReader([]), count: columnCount)
    let count = Int(try reader.fixed(UInt16.self))
    guard count <= TraceFileLimits.columnsMax else { throw Corruption("\(count) columns") }
    var entries: [(number: Int, size: Int)] = []
    for _ in 0..<count {
      let number = Int(try reader.fixed(UInt16.self))
      entries.append((number, Int(try reader.fixed(UInt32.self))))
    }
    var seen: Set<Int> = []
    for entry in entries {
      guard seen.insert(entry.number).inserted else {
        throw Corruption("column \(entry.number) appears twice")
      }
      let column = try reader.take(entry.size)
      if (1...columnCount).contains(entry.number) { columns[entry.number - 1] = column }
    }
    guard reader.isAtEnd else { throw Corruption("bytes behind the columns") }
  }

  /// Checks that every column has been read to its end.
  func finish() throws(Corruption) {
    for column in columns where !column.isAtEnd {
      throw Corruption("a column has more values than items")
    }
  }

  subscript(index: Int) -> ByteReader {
    get { columns[index] }
    _modify { yield &columns[index] }
  }
}

extension ColumnWriter {
  subscript(column: StepColumn) -> ByteWriter {
    get { self[Int(column.rawValue) - 1] }
    _modify { yield &self[Int(column.rawValue) - 1] }
  }
}

extension ColumnReader {
  subscript(column: StepColumn) -> ByteReader {
    get { self[Int(column.rawValue) - 1] }
    _modify { yield &self[Int(column.rawValue) - 1] }
  }
}
