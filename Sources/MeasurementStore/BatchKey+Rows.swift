extension BatchKey {
  /// The rows that the text lists, with query lengths, and the rows of the launch; `nil` where it is no
  /// text of the form that this program writes.
  public var rows: (rows: [(queryLength: Int32, kvLength: Int32)], paddedRows: Int)? {
    var padded: Int?
    var rows: [(queryLength: Int32, kvLength: Int32)]?
    for part in text.split(separator: " ") {
      if part.hasPrefix("padded=") { padded = Int(part.dropFirst(7)) }
      if part.hasPrefix("rows=") { rows = Self.rows(part.dropFirst(5)) }
    }
    guard let padded, let rows else { return nil }
    return (rows, padded)
  }

  private static func rows(_ list: Substring) -> [(queryLength: Int32, kvLength: Int32)]? {
    var rows: [(queryLength: Int32, kvLength: Int32)] = []
    for part in list.split(separator: ",") {
      let times = part.split(separator: "*", maxSplits: 1)
      let lengths = (times.first ?? "").split(separator: "/", maxSplits: 1).map { Int32($0) }
      guard let count = times.count == 2 ? Int(times[1]) : 1,
        (1...MeasurementLimits.batchRowsMax).contains(count),
        rows.count + count <= MeasurementLimits.batchRowsMax,
        let last = lengths.last, let kv = last, let first = lengths.first, let query = first
      else { return nil }
      let row = (queryLength: lengths.count == 2 ? query : 1, kvLength: kv)
      for _ in 0..<count { rows.append(row) }
    }
    return rows
  }
}
