import TraceModel

/// Reads BurstGPT's CSV files by column name: later files put session columns between the others.
///
/// Times are seconds from midnight of the first day and stay so. Failed requests, which the publisher
/// marks by 0 response tokens, are dropped and counted.
enum BurstGPTImporter {
  static func read(_ source: consuming CSVReader) throws(TraceImportError) -> ImportedWorkload {
    var rows = source
    let time = try rows.column("Timestamp")
    let prompt = try rows.column("Request tokens")
    let output = try rows.column("Response tokens")
    var builder = WorkloadBuilder()
    var row: Int64 = 0
    while try rows.advance() {
      do {
        try builder.add(
          TraceRequest(
            id: RequestID(row), arrival: try rows.seconds(time, "Timestamp"),
            promptTokens: try rows.tokens(prompt, "Request tokens"),
            outputTokens: try rows.tokens(output, "Response tokens")))
      } catch { throw rows.lines.error(error) }
      row += 1
    }
    return try builder.finish(
      .burstgpt, name: rows.lines.name,
      members: [.init("time_zero", .string("midnight of the publisher's first day"))])
  }
}
