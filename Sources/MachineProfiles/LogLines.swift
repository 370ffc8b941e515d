internal import TraceModel

/// Lines of JSON logs that scripts on a GPU print, each with its operation under `op`.
enum LogLines {
  /// The lines of one operation with their numbers, from one on; others are passed over.
  static func lines(
    of operation: String, in text: String
  ) -> [(number: Int, json: JSONValue)] {
    text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated()
      .compactMap { index, line in
        guard let json = try? JSONValue(parsing: String(decoding: line, as: UTF8.self)),
          json["op"]?.string == operation
        else { return nil }
        return (index + 1, json)
      }
  }
}
