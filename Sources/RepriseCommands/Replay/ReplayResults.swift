import Reports
import TraceModel

/// Writes a replay's results into a directory.
struct ReplayResults {
  let report: ReplayReport
  let outcomes: [PolicyOutcome]
  let requests: [TraceRequest]
  let model: String

  /// Writes one file a policy and, last, `summary.json`; each appears whole or not at all.
  func write(to directory: String) throws {
    try ResultFile.makeDirectory(directory)
    var names: Set<String> = ["summary"]
    for outcome in outcomes {
      var name = Self.fileName(of: outcome.name)
      while !names.insert(name).inserted { name += "_" }
      let file = try ResultFile(path: "\(directory)/\(name).json")
      try BenchmarkResult(outcome, requests: requests, model: model)
        .write { (bytes) throws(CommandError) in try file.write(bytes) }
      try file.finish()
    }
    let file = try ResultFile(path: "\(directory)/summary.json")
    try file.write((report.json().text(pretty: true) + "\n").utf8.span)
    try file.finish()
  }

  /// A policy's name with everything that a file name should not have as `_`.
  private static func fileName(of policy: String) -> String {
    String(
      policy.map { character in
        character.isASCII
          && (character.isLetter || character.isNumber || "-_:,+".contains(character))
          || character == "." ? character : "_"
      })
  }
}
