internal import TraceModel

/// How a step's rows follow from their prediction, where they differ from it.
///
/// A script is a count of edits, the edits, a count of appended rows, and those rows. Each edit is
/// a varint, 4 × (predicted rows that stand unchanged before it) + its kind:
///
/// | kind | meaning | then |
/// |---|---|---|
/// | 0 | the next predicted row is left out | |
/// | 1 | the next predicted row has other lengths | computed, new tokens |
/// | 2 | a row is inserted with the lengths expected of it | request |
/// | 3 | a row is inserted with other lengths | request, computed, new tokens |
///
/// Predicted rows behind the last edit stand. An appended row is a varint, 2 × zigzag(request) + 1 where
/// lengths follow. A request is a signed difference from one more than the last request inserted or
/// appended in the chunk; computed tokens are a signed difference from those expected, new tokens
/// one from what is expected for the true computed tokens.
///
/// Of an inserted or appended request that is among the predicted rows, that row is what is expected;
/// of another, no computed tokens, and new ones as `RowPredictor` expects them behind the rows before it.
struct RowScript {
  /// One more than the last request inserted or appended in the chunk.
  private(set) var nextRequest: Int64 = 0
  /// Rows of the last script whose request was not among the predicted ones.
  private(set) var admitted: Int64 = 0
}

extension RowScript {
  /// The lengths expected of a request that is put into a step behind `tokens` others.
  private static func expected(
    _ request: Int32, after tokens: Int64, _ predictor: borrowing RowPredictor,
    _ lengths: [RequestLengths]
  ) -> (row: StepRow, isPredicted: Bool) {
    if let place = predictor.predictedPlace(of: request) { return (predictor.rows[place], true) }
    let query = predictor.expectedQuery(lengths[Int(request)], computed: 0, after: tokens)
    return (StepRow(request: request, computed: .zero, queryLength: TokenCount(query)), false)
  }

  // MARK: Writing

  /// Writes what turns the predicted rows into `actual` ones, which differ; the latter are valid.
  mutating func write(
    _ actual: [StepRow], _ predictor: inout RowPredictor, _ lengths: [RequestLengths],
    to writer: inout ByteWriter
  ) {
    predictor.indexRows(requestCount: lengths.count)
    admitted = 0
    let predicted = predictor.rows
    var edits = ByteWriter()
    var editCount = 0
    var unchanged = 0
    var tokens: Int64 = 0
    var actualPlaces: [Int32: Int] = [:]
    for (place, row) in actual.enumerated() { actualPlaces[row.request] = place }
    var next = 0
    for row in predicted {
      // A predicted request that comes later stands; those between are insertions.
      guard let place = actualPlaces[row.request], place >= next else {
        edits.unsigned(UInt64(unchanged * 4))
        (unchanged, editCount) = (0, editCount + 1)
        continue
      }
      while actual[next].request != row.request {
        writeAdded(
          actual[next], kindFactor: 4, kind: 2, unchanged, tokens, predictor, lengths, to: &edits)
        tokens += Int64(actual[next].queryLength.rawValue)
        next += 1
        (unchanged, editCount) = (0, editCount + 1)
      }
      if actual[next] == row {
        unchanged += 1
      } else {
        edits.unsigned(UInt64(unchanged * 4 + 1))
        Self.writeLengths(actual[next], row, tokens, predictor, lengths, to: &edits)
        (unchanged, editCount) = (0, editCount + 1)
      }
      tokens += Int64(actual[next].queryLength.rawValue)
      next += 1
    }
    writer.unsigned(UInt64(editCount))
    writer.append(edits.bytes)
    writer.unsigned(UInt64(actual.count - next))
    for row in actual[next...] {
      writeAdded(row, kindFactor: 0, kind: 0, 0, tokens, predictor, lengths, to: &writer)
      tokens += Int64(row.queryLength.rawValue)
    }
  }

  /// An inserted row (`kindFactor` 4) or an appended one (0).
  private mutating func writeAdded(
    _ row: StepRow, kindFactor: Int, kind: Int, _ unchanged: Int, _ tokens: Int64,
    _ predictor: borrowing RowPredictor, _ lengths: [RequestLengths], to writer: inout ByteWriter
  ) {
    let (expected, isPredicted) = Self.expected(row.request, after: tokens, predictor, lengths)
    if !isPredicted { admitted += 1 }
    let isOther = row != expected
    let difference = Int64(row.request) - nextRequest
    if kindFactor > 0 {
      writer.unsigned(UInt64(unchanged * kindFactor + kind + (isOther ? 1 : 0)))
      writer.signed(difference)
    } else {
      writer.unsigned(difference.zigzag * 2 + (isOther ? 1 : 0))
    }
    nextRequest = Int64(row.request) + 1
    if isOther { Self.writeLengths(row, expected, tokens, predictor, lengths, to: &writer) }
  }

  private static func writeLengths(
    _ row: StepRow, _ expected: StepRow, _ tokens: Int64, _ predictor: borrowing RowPredictor,
    _ lengths: [RequestLengths], to writer: inout ByteWriter
  ) {
    writer.signed(Int64(row.computed.rawValue) - Int64(expected.computed.rawValue))
    let query = predictor.expectedQuery(
      lengths[Int(row.request)], computed: row.computed.rawValue, after: tokens)
    writer.signed(Int64(row.queryLength.rawValue) - Int64(query))
  }
}

extension RowScript {
  // MARK: Reading

  /// Reads a script and gives the predictor the rows that it makes, through `rows` as a buffer.
  mutating func read(
    _ predictor: inout RowPredictor, _ lengths: [RequestLengths], from reader: inout ByteReader,
    through rows: inout [StepRow]
  ) throws(Corruption) {
    predictor.indexRows(requestCount: lengths.count)
    admitted = 0
    rows.removeAll(keepingCapacity: true)
    var tokens: Int64 = 0
    var next = 0
    for _ in 0..<(try reader.count(max: 2 * TraceFileLimits.rowsMax, "edits of rows")) {
      let code = try reader.count(max: 4 * TraceFileLimits.rowsMax + 3, "as an edit of rows")
      try Self.keep(code / 4, of: predictor.rows, from: &next, in: &rows, &tokens)
      if code % 4 < 2 {
        guard next < predictor.rows.count else { throw Corruption("an edit behind the last row") }
        if code % 4 == 1 {
          let row = try Self.readLengths(predictor.rows[next], tokens, predictor, lengths, &reader)
          try Self.append(row, to: &rows, &tokens)
        }
        next += 1
      } else {
        let row = try readAdded(
          try reader.signed(), isOther: code % 4 == 3, tokens, predictor, lengths, &reader)
        try Self.append(row, to: &rows, &tokens)
      }
    }
    try Self.keep(predictor.rows.count - next, of: predictor.rows, from: &next, in: &rows, &tokens)
    for _ in 0..<(try reader.count(max: TraceFileLimits.rowsMax, "rows appended")) {
      let code = try reader.unsigned()
      let row = try readAdded(
        Int64(zigzag: code >> 1), isOther: code & 1 == 1, tokens, predictor, lengths, &reader)
      try Self.append(row, to: &rows, &tokens)
    }
    predictor.replace(with: &rows)
  }

  private static func keep(
    _ count: Int, of predicted: [StepRow], from next: inout Int, in rows: inout [StepRow],
    _ tokens: inout Int64
  ) throws(Corruption) {
    guard count <= predicted.count - next else { throw Corruption("an edit behind the last row") }
    for row in predicted[next..<(next + count)] { tokens += Int64(row.queryLength.rawValue) }
    rows.append(contentsOf: predicted[next..<(next + count)])
    next += count
  }

  private static func append(
    _ row: StepRow, to rows: inout [StepRow], _ tokens: inout Int64
  ) throws(Corruption) {
    guard rows.count < TraceFileLimits.rowsMax else { throw Corruption("too many rows in a step") }
    tokens += Int64(row.queryLength.rawValue)
    rows.append(row)
  }

  private mutating func readAdded(
    _ difference: Int64, isOther: Bool, _ tokens: Int64, _ predictor: borrowing RowPredictor,
    _ lengths: [RequestLengths], _ reader: inout ByteReader
  ) throws(Corruption) -> StepRow {
    let (request, overflow) = nextRequest.addingReportingOverflow(difference)
    guard !overflow, lengths.indices.contains(Int(request)) else {
      throw Corruption("a row of a request that is not in the trace")
    }
    nextRequest = request + 1
    let (row, isPredicted) = Self.expected(Int32(request), after: tokens, predictor, lengths)
    if !isPredicted { admitted += 1 }
    return isOther ? try Self.readLengths(row, tokens, predictor, lengths, &reader) : row
  }

  private static func readLengths(
    _ expected: StepRow, _ tokens: Int64, _ predictor: borrowing RowPredictor,
    _ lengths: [RequestLengths], _ reader: inout ByteReader
  ) throws(Corruption) -> StepRow {
    let computed = Int64(expected.computed.rawValue).addingReportingOverflow(try reader.signed())
    let difference = try reader.signed()
    let bounds = 0...Int64(TraceFileLimits.tokensMax)
    guard !computed.overflow, bounds.contains(computed.partialValue) else {
      throw Corruption("a row's computed tokens are out of range")
    }
    let count = Int32(computed.partialValue)
    let query = Int64(
      predictor.expectedQuery(
        lengths[Int(expected.request)], computed: count, after: tokens)
    ).addingReportingOverflow(difference)
    guard !query.overflow, query.partialValue >= 1, bounds.contains(query.partialValue),
      bounds.contains(query.partialValue + Int64(count))
    else { throw Corruption("a row's new tokens are out of range") }
    return StepRow(
      request: expected.request, computed: TokenCount(count),
      queryLength: TokenCount(Int32(query.partialValue)))
  }
}
