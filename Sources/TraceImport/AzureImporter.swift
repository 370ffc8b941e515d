import TraceModel

/// Reads Azure's LLM inference traces (Splitwise 2023, DynamoLLM 2024): a wall clock and two counts.
///
/// Time zero is the first row. The seven digits behind the second (100 ns) are kept.
enum AzureImporter {
  static func read(_ source: consuming CSVReader) throws(TraceImportError) -> ImportedWorkload {
    var rows = source
    let time = try rows.column("TIMESTAMP")
    let prompt = try rows.column("ContextTokens")
    let output = try rows.column("GeneratedTokens")
    var builder = WorkloadBuilder()
    var zero: Nanoseconds?
    var zeroText = ""
    var row: Int64 = 0
    while try rows.advance() {
      do {
        let moment = try timestamp(rows, time)
        if zero == nil { (zero, zeroText) = (moment, rows.text(rows.fields[time])) }
        try builder.add(
          TraceRequest(
            id: RequestID(row), arrival: try offset(moment, from: zero ?? moment),
            promptTokens: try rows.tokens(prompt, "ContextTokens"),
            outputTokens: try rows.tokens(output, "GeneratedTokens")))
      } catch { throw rows.lines.error(error) }
      row += 1
    }
    return try builder.finish(
      .azure, name: rows.lines.name, members: [.init("time_zero", .string(zeroText))])
  }

  private static func timestamp(
    _ rows: borrowing CSVReader, _ column: Int
  ) throws(LineFault) -> Nanoseconds {
    var scanner = FieldScanner(rows.fields[column])
    return try scanner.timestamp(rows.lines.bytes.span)
  }

  private static func offset(
    _ moment: Nanoseconds, from zero: Nanoseconds
  ) throws(LineFault) -> Nanoseconds {
    let (offset, overflow) = moment.rawValue.subtractingReportingOverflow(zero.rawValue)
    guard !overflow, offset <= ImportLimits.arrivalMax else {
      throw LineFault("TIMESTAMP is more than a hundred years behind the first row")
    }
    return Nanoseconds(offset)
  }
}
