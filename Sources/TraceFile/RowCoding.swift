internal import TraceModel

/// How a step's rows are told apart from their prediction.
///
/// Mode 1 is a list of edits, all numbers variable-length: the count of predicted rows that are left
/// out and the distance of each from the one before; the count of rows with other lengths and for each
/// its distance, computed tokens and new tokens as differences; the count of rows at the end that were
/// not predicted and for each its request as a difference from the next new one, its computed tokens,
/// and its new tokens less one. Mode 2 is such a list of all rows.
enum RowCoding {
  static let exact: UInt64 = 0
  static let edits: UInt64 = 1
  static let whole: UInt64 = 2

  /// Writes `rows` as they differ from the prediction; gives the mode.
  static func write(
    _ rows: [StepRow], predicted: RowPredictor, to writer: inout ByteWriter
  ) -> UInt64 {
    if rows == predicted.rows { return exact }
    guard let edits = Edits(from: predicted.rows, to: rows) else {
      writeAdded(rows[...], predicted.nextRequest, &writer)
      return whole
    }
    writer.unsigned(UInt64(edits.removed.count))
    writeDistances(edits.removed, &writer)
    writer.unsigned(UInt64(edits.changed.count))
    var last = -1
    for change in edits.changed {
      writer.unsigned(UInt64(change.place - last - 1))
      last = change.place
      writer.signed(Int64(change.computed))
      writer.signed(Int64(change.queryLength))
    }
    writeAdded(rows[edits.kept...], predicted.nextRequest, &writer)
    return self.edits
  }

  private static func writeDistances(_ places: [Int], _ writer: inout ByteWriter) {
    var last = -1
    for place in places {
      writer.unsigned(UInt64(place - last - 1))
      last = place
    }
  }

  private static func writeAdded(
    _ rows: ArraySlice<StepRow>, _ nextRequest: Int32, _ writer: inout ByteWriter
  ) {
    writer.unsigned(UInt64(rows.count))
    var next = Int64(nextRequest)
    for row in rows {
      writer.signed(Int64(row.request) - next)
      next = Int64(row.request) + 1
      writer.unsigned(UInt64(UInt32(bitPattern: row.computed.rawValue)))
      writer.unsigned(UInt64(UInt32(bitPattern: row.queryLength.rawValue - 1)))
    }
  }

  /// Reads rows back into `rows`, which is overwritten.
  static func read(
    mode: UInt64, predicted: RowPredictor, requestCount: Int, from reader: inout ByteReader,
    into rows: inout [StepRow]
  ) throws(Corruption) {
    rows.removeAll(keepingCapacity: true)
    switch mode {
    case exact: rows.append(contentsOf: predicted.rows)
    case edits: try readEdits(predicted, requestCount, &reader, &rows)
    case whole: try readAdded(predicted, requestCount, &reader, &rows)
    default: throw Corruption("row mode \(mode) is unknown")
    }
  }

  private static func readEdits(
    _ predicted: RowPredictor, _ requestCount: Int, _ reader: inout ByteReader,
    _ rows: inout [StepRow]
  ) throws(Corruption) {
    let count = predicted.rows.count
    var next = 0
    for _ in 0..<(try reader.count(max: count, "rows left out")) {
      let place = next + (try reader.count(max: count, "rows of distance"))
      guard place < count else { throw Corruption("a row left out that was not predicted") }
      rows.append(contentsOf: predicted.rows[next..<place])
      next = place + 1
    }
    rows.append(contentsOf: predicted.rows[next...])
    var place = -1
    for _ in 0..<(try reader.count(max: rows.count, "rows changed")) {
      place += 1 + (try reader.count(max: rows.count, "rows of distance"))
      guard place < rows.count else { throw Corruption("a change of a row that is not there") }
      let computed = Int64(rows[place].computed.rawValue).addingReportingOverflow(
        try reader.signed())
      let query = Int64(rows[place].queryLength.rawValue).addingReportingOverflow(
        try reader.signed())
      guard !computed.overflow, !query.overflow,
        let newComputed = Int32(exactly: computed.partialValue),
        let newQuery = Int32(exactly: query.partialValue)
      else { throw Corruption("a row's length is out of range") }
      rows[place].computed = TokenCount(newComputed)
      rows[place].queryLength = TokenCount(newQuery)
      guard RowPredictor.isValid(rows[place], requestCount: requestCount) else {
        throw Corruption("a row is impossible")
      }
    }
    try readAdded(predicted, requestCount, &reader, &rows)
  }

  private static func readAdded(
    _ predicted: RowPredictor, _ requestCount: Int, _ reader: inout ByteReader,
    _ rows: inout [StepRow]
  ) throws(Corruption) {
    // Every row takes three bytes or more, so the bytes that are there bound the count.
    let count = try reader.count(
      max: min(TraceFileLimits.rowsMax, reader.remaining / 3 + 1), "rows in a step")
    var next = Int64(predicted.nextRequest)
    for _ in 0..<count {
      let difference = try reader.signed()
      let request = next.addingReportingOverflow(difference)
      let computed = try reader.unsigned()
      let query = try reader.unsigned()
      guard !request.overflow, let place = Int32(exactly: request.partialValue),
        computed <= UInt64(Int32.max), query < UInt64(Int32.max)
      else { throw Corruption("a row is out of range") }
      let row = StepRow(
        request: place, computed: TokenCount(Int32(computed)),
        queryLength: TokenCount(Int32(query) + 1))
      guard RowPredictor.isValid(row, requestCount: requestCount) else {
        throw Corruption("a row is impossible")
      }
      rows.append(row)
      next = Int64(place) + 1
    }
  }
}

/// The fewest edits that turn a prediction into rows, where order is kept.
private struct Edits {
  struct Change {
    var place: Int
    var computed: Int32
    var queryLength: Int32
  }

  var removed: [Int] = []
  var changed: [Change] = []
  /// Rows that came from the prediction; the others were added behind them.
  var kept = 0

  /// `nil` where a predicted request comes back in another place.
  init?(from predicted: [StepRow], to rows: [StepRow]) {
    for (place, row) in predicted.enumerated() {
      guard kept < rows.count, rows[kept].request == row.request else {
        removed.append(place)
        continue
      }
      let computed = rows[kept].computed.rawValue.subtractingReportingOverflow(
        row.computed.rawValue)
      guard !computed.overflow else { return nil }
      if rows[kept] != row {
        changed.append(
          Change(
            place: kept, computed: computed.partialValue,
            queryLength: rows[kept].queryLength.rawValue - row.queryLength.rawValue))
      }
      kept += 1
    }
    // Requests left out and added again further back cost more as edits than as a whole list.
    if removed.count > rows.count { return nil }
  }
}
