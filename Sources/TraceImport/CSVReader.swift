import TraceModel

/// Reads strict CSV (RFC 4180) by column name: one header, rows of equally many fields, no line
/// breaks inside quotation marks, which no trace has.
///
/// SwiftCSV, the package of choice, brings all of Foundation into the static binary and holds every
/// field as a `String`; the traces read here are numbers.
struct CSVReader {
  private(set) var lines: LineReader
  private let format: WorkloadFormat
  /// The header's names.
  private(set) var columns: [String] = []
  /// The current row's fields as ranges of `lines.bytes`, without their quotation marks.
  private(set) var fields: [Range<Int>] = []

  /// Takes the header, without the byte order mark that Excel writes in front of it.
  init(
    _ source: any ByteSource, format: WorkloadFormat, name: String
  ) throws(TraceImportError) {
    self.format = format
    lines = LineReader(source, name: name)
    guard try lines.advance() else {
      throw TraceImportError(.foreignFormat, source: name, reason: "the file is empty")
    }
    var start = lines.line.lowerBound
    if Array(lines.bytes[lines.line].prefix(3)) == [0xEF, 0xBB, 0xBF] { start += 3 }
    do {
      try Self.split(lines, start..<lines.line.upperBound, into: &fields)
    } catch { throw lines.error(error.asForeign(format, line: 1)) }
    columns = fields.map(text)
  }

  /// The place of a column.
  func column(_ column: String) throws(TraceImportError) -> Int {
    guard let index = columns.firstIndex(of: column) else {
      let found = columns.joined(separator: ",").prefix(80)
      let fault = LineFault("no column \"\(column)\" among \"\(found)\"")
      throw lines.error(fault.asForeign(format, line: 1))
    }
    return index
  }

  /// Moves to the next row that is not blank; `false` at the end.
  mutating func advance() throws(TraceImportError) -> Bool {
    repeat {
      guard try lines.advance() else { return false }
    } while lines.line.isEmpty
    do { try splitLine() } catch { throw lines.error(error) }
    return true
  }

  /// A field as text, its doubled quotation marks made single.
  func text(_ range: Range<Int>) -> String {
    var bytes: [UInt8] = []
    var index = range.lowerBound
    while index < range.upperBound {
      bytes.append(lines.bytes[index])
      index += lines.bytes[index] == UInt8(ascii: "\"") ? 2 : 1
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  private mutating func splitLine() throws(LineFault) {
    try Self.split(lines, lines.line, into: &fields)
    guard fields.count == columns.count else {
      throw LineFault("\(fields.count) fields where the header has \(columns.count) columns")
    }
  }

  private static func split(
    _ lines: borrowing LineReader, _ line: Range<Int>, into fields: inout [Range<Int>]
  ) throws(LineFault) {
    let bytes = lines.bytes.span
    fields.removeAll(keepingCapacity: true)
    var position = line.lowerBound
    while true {
      guard fields.count < ImportLimits.columnsMax else { throw LineFault("too many columns") }
      let isQuoted = position < line.upperBound && bytes[position] == UInt8(ascii: "\"")
      let field =
        isQuoted
        ? try quoted(bytes, (position + 1)..<line.upperBound)
        : try plain(bytes, position..<line.upperBound)
      fields.append(field)
      position = field.upperBound + (isQuoted ? 1 : 0)
      guard position < line.upperBound else { return }
      guard bytes[position] == UInt8(ascii: ",") else {
        throw LineFault("text behind a closing quotation mark")
      }
      position += 1
    }
  }

  private static func plain(
    _ bytes: Span<UInt8>, _ range: Range<Int>
  ) throws(LineFault) -> Range<Int> {
    var index = range.lowerBound
    while index < range.upperBound, bytes[index] != UInt8(ascii: ",") {
      guard bytes[index] != UInt8(ascii: "\"") else {
        throw LineFault("quotation mark inside a field that does not start with one")
      }
      index += 1
    }
    return range.lowerBound..<index
  }

  private static func quoted(
    _ bytes: Span<UInt8>, _ range: Range<Int>
  ) throws(LineFault) -> Range<Int> {
    var index = range.lowerBound
    while index < range.upperBound {
      guard bytes[index] == UInt8(ascii: "\"") else {
        index += 1
        continue
      }
      let isDoubled = index + 1 < range.upperBound && bytes[index + 1] == UInt8(ascii: "\"")
      guard isDoubled else { return range.lowerBound..<index }
      index += 2
    }
    throw LineFault("a quotation mark is not closed")
  }
}

// MARK: Numbers

extension CSVReader {
  /// A field as a number of tokens.
  func tokens(_ column: Int, _ what: StaticString) throws(LineFault) -> TokenCount {
    try number(column, what) { scanner, bytes throws(LineFault) in
      try scanner.tokens(what, bytes)
    }
  }

  /// A field as a time in seconds.
  func seconds(_ column: Int, _ what: StaticString) throws(LineFault) -> Nanoseconds {
    try number(column, what) { scanner, bytes throws(LineFault) in
      try scanner.seconds(what, bytes)
    }
  }

  /// Scans a field that is a number and nothing else.
  @inline(__always)
  private func number<Number>(
    _ column: Int, _ what: StaticString,
    _ scan: (inout FieldScanner, Span<UInt8>) throws(LineFault) -> Number
  ) throws(LineFault) -> Number {
    guard !fields[column].isEmpty else { throw LineFault("\(what) is empty") }
    var scanner = FieldScanner(fields[column])
    do {
      let number = try scan(&scanner, lines.bytes.span)
      if scanner.isAtEnd { return number }
    } catch {
      // The scanner speaks of JSON that was cut off; here a field ends early.
      guard error.kind == .truncated else { throw error }
    }
    throw LineFault("\(what) is not a number")
  }
}
