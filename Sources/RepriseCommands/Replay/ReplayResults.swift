import Reports
import TraceModel

/// Writes a replay's results into a directory.
struct ReplayResults {
  let report: ReplayReport
  let outcomes: [PolicyOutcome]
  let requests: [TraceRequest]
  let model: String
  /// Further forms to write for each policy.
  var exports: [ReplayExport] = []

  /// Writes the files of each policy and, last, `summary.json`; each appears whole or not at all.
  func write(to directory: String) throws {
    try FileSystem.makeDirectory(directory)
    var names: Set<String> = ["summary"]
    for outcome in outcomes {
      var name = Self.fileName(of: outcome.name)
      while !names.insert(name).inserted { name += "_" }
      let file = try ResultFile(path: "\(directory)/\(name).json")
      try BenchmarkResult(outcome, requests: requests, model: model)
        .write { (bytes) throws(CommandError) in try file.write(bytes) }
      try file.finish()
      try writeTables(of: outcome, named: name, to: directory)
      for export in exports { try export.write(outcome, named: name, to: directory) }
    }
    let file = try ResultFile(path: "\(directory)/summary.json")
    try file.write((report.json().text(pretty: true) + "\n").utf8.span)
    try file.finish()
  }

  /// `steps-NAME.csv`, `requests-NAME.csv` and `gaps-NAME.csv`, which `analysis/report.py` draws.
  private func writeTables(
    of outcome: PolicyOutcome, named name: String, to directory: String
  ) throws {
    let tables = StepTable(outcome)
    let steps = try ResultFile(path: "\(directory)/steps-\(name).csv")
    try tables.writeSteps { (bytes) throws(CommandError) in try steps.write(bytes) }
    try steps.finish()
    let requests = try ResultFile(path: "\(directory)/requests-\(name).csv")
    try tables.writeRequests { (bytes) throws(CommandError) in try requests.write(bytes) }
    try requests.finish()
    let gaps = try ResultFile(path: "\(directory)/gaps-\(name).csv")
    try tables.writeGaps { (bytes) throws(CommandError) in try gaps.write(bytes) }
    try gaps.finish()
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
