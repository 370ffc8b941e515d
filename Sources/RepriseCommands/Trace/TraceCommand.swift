import ArgumentParser
import TraceFile
import TraceModel

/// `reprise trace`: what looks at and mends trace files.
struct TraceCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "trace", abstract: "Look into trace files, export, check and repair them.",
    subcommands: [
      TraceInfoCommand.self, TraceStepsCommand.self, TraceExportCommand.self,
      TraceVerifyCommand.self, TraceRepairCommand.self,
    ])
}

/// `reprise trace verify`: reads every byte of a trace and checks it.
struct TraceVerifyCommand: ConsoleCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify", abstract: "Check every byte of a trace; exit code 1 where one is wrong.")

  @Argument(help: "The trace.")
  var trace: String

  func run(on console: Console) throws {
    let totals = try TraceVerification.verify(path: trace)
    try console.print("\(trace): whole, \(totals.words)\n")
  }
}

/// `reprise trace repair`: saves what a broken or unfinished trace still holds.
struct TraceRepairCommand: ConsoleCommand {
  static let configuration = CommandConfiguration(
    commandName: "repair",
    abstract: "Write what can be read of a broken or unfinished trace as a whole one.")

  @Argument(help: "The trace, also one still named .partial.")
  var trace: String

  @Option(
    help: "The repaired trace. Default: NAME.repaired.reprise beside it, if there is none.",
    transform: FileSystem.traceName)
  var output: String?

  func run(on console: Console) throws {
    let output = try output ?? unusedName()
    let report = try TraceRepair.repair(path: trace, to: output)
    try console.print("\(output): \(report.words)\n")
  }

  private func unusedName() throws(CommandError) -> String {
    var stem = trace[...]
    for ending in [".partial", ".reprise"] where stem.hasSuffix(ending) {
      stem = stem.dropLast(ending.count)
    }
    let name = String(stem) + ".repaired.reprise"
    guard !FileSystem.exists(name) else {
      throw .failed("'\(name)' is there already; name another with --output")
    }
    return name
  }
}

extension RepairReport {
  /// What was saved, and what was not.
  var words: String {
    guard lostBytes.rawValue > 0 || lostSteps > 0 else { return "\(totals.words); nothing is lost" }
    let steps =
      lostSteps > 0
      ? "\(lostSteps) steps are lost, with gaps in their place"
      : "which steps those held is not known"
    return "\(totals.words); \(lostBytes.rawValue) bytes belong to no whole chunk: \(steps)"
  }
}

extension TraceTotals {
  /// The counts in words.
  var words: String {
    "\(requests) requests, \(steps) steps, \(rows) rows, \(gaps) gaps, \(bytes.rawValue) bytes"
  }
}
