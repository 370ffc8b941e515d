import ArgumentParser
import Reports
import TraceModel

/// A form beside the tables that a replay's results are written in, for each policy.
enum ReplayExport: String, CaseIterable {
  /// `timeline-POLICY.json` for ui.perfetto.dev or chrome://tracing.
  case perfetto
  /// `aiperf-POLICY/` with AIPerf's `profile_export.jsonl` and `profile_export_aiperf.json`.
  case aiperf

  /// Reads names separated by commas.
  static func read(_ list: String?) throws -> [ReplayExport] {
    guard let list else { return [] }
    var exports: [ReplayExport] = []
    for name in list.split(separator: ",", omittingEmptySubsequences: false) {
      guard let export = ReplayExport(rawValue: String(name)) else {
        let known = allCases.map(\.rawValue).joined(separator: ", ")
        throw CommandError.usage("unknown form '\(name)' in --export; known are \(known)")
      }
      if !exports.contains(export) { exports.append(export) }
    }
    return exports
  }

  /// Writes one policy's files.
  func write(_ outcome: PolicyOutcome, named name: String, to directory: String) throws {
    switch self {
    case .perfetto:
      let file = try ResultFile(path: "\(directory)/timeline-\(name).json")
      try ReplayTimeline(outcome).write { (bytes) throws(CommandError) in try file.write(bytes) }
      try file.finish()
    case .aiperf:
      let folder = "\(directory)/aiperf-\(name)"
      try FileSystem.makeDirectory(folder)
      let result = AIPerfResult(outcome)
      let records = try ResultFile(path: "\(folder)/profile_export.jsonl")
      try result.writeRecords { (bytes) throws(CommandError) in try records.write(bytes) }
      try records.finish()
      let summary = try ResultFile(path: "\(folder)/profile_export_aiperf.json")
      try summary.write((result.summary().text(pretty: true) + "\n").utf8.span)
      try summary.finish()
    }
  }
}
