import ArgumentParser
import ClientLogs
import KernelSelection
import MachineProfiles
import Reports
import TraceFile
import TraceModel

/// `reprise validate`: a prediction beside what a real run's callers saw.
struct ValidateCommand: ConsoleCommand {
  static let configuration = CommandConfiguration(
    commandName: "validate",
    abstract: "Replay a trace and compare with what the callers of a real run saw.",
    discussion: """
      Without --policy the trace is replayed under the policy that it was recorded under, and the \
      client log is of that very run. With another policy the log is of a run of the same workload \
      under that policy; --steps then names its recording, if there is one, which shows where the \
      error comes from. Requests with equal arrivals stand in the order in which the log says they were \
      sent. Client logs are read as client.jsonl, as the detailed result of vllm bench \
      serve, or as AIPerf's profile_export.jsonl, compressed with zstd or not.
      """)

  @Argument(help: "The trace, a .reprise file.")
  var trace: String

  @Option(help: "What the callers of the real run saw.")
  var client: String

  @Option(help: "The policy of the real run. Default: the one in force in the trace.")
  var policy: String?

  @Option(help: "The recording of the real run, where that is not the trace itself.")
  var steps: String?

  @Option(help: "Batches that the prediction executes: recorded or rescheduled.")
  var batches: BatchSource = .rescheduled

  @OptionGroup var stepTimes: StepTimeOptions

  @Option(help: "The engine to model: a name or a YAML file. Default: the trace's own.")
  var engine: String?

  @Option(help: "Replays with moved arrivals, for the intervals.")
  var jitter = 8

  @Option(help: "Seed of the moved arrivals.")
  var seed: UInt64 = 0

  @Option(
    help: "Errors allowed in percent, such as itl-mean=2,ttft-p50=5,throughput=1; else exit 1.")
  var bound: [String] = []

  @Option(help: "Form of the result: text or json.")
  var format: ResultFormat = .text

  func validate() throws {
    guard (0...Limits.jitteredReplaysMax).contains(jitter) else {
      throw ValidationError("--jitter is a number of replays, 0 to \(Limits.jitteredReplaysMax)")
    }
  }

  func run(on console: Console) async throws {
    let bounds = try bound.flatMap { try BoundList.read($0) }
    let source = try ReplaySource(
      path: trace, batches: batches, engine: engine, selection: WorkloadSelection())
    let recorded = PolicyList.recorded(header: source.reader.header)
    let policies =
      try policy.map { try PolicyList.read(names: [$0], rules: []) }
      ?? [recorded].compactMap(\.self)
    guard let policy = policies.first, policies.count == 1 else {
      throw CommandError.usage(
        policies.isEmpty
          ? "'\(trace)' does not tell which policy was in force; name the real run's with --policy"
          : "the real run followed one policy; name one with --policy")
    }
    let log = try ClientLog(bytes: try InputFile.bytes(path: client), source: client)
    let isOther = recorded.map { $0.name != policy.name } ?? true
    let (times, measured, notes) = try stepTimes.times(
      for: source, variants: policy.variants + (recorded?.variants ?? []), on: console)
    defer { if let measured { GPUOptions.tell(measured, on: console) } }
    let run = ValidationRun(
      source: source, times: times, policy: policy, recorded: isOther ? recorded : nil,
      client: log, jitter: jitter, seed: seed, floor: try MeasuredNoise.floor())
    var report = try run.report(
      steps: steps ?? (isOther || source.reader.stepCount == 0 ? nil : trace))
    report.recordedPolicy = recorded?.name
    report.bounds = bounds
    report.timing.estimates = measured?.estimates
    report.notes = notes + report.timing.estimateNotes + report.notes
    switch format {
    case .text: try console.print(report.text())
    case .json: try console.print(report.json().text(pretty: true) + "\n")
    }
    guard report.broken.isEmpty else {
      throw CommandError.failed(report.broken.joined(separator: "; "))
    }
  }
}

/// `--bound`: what a prediction may be off by.
enum BoundList {
  /// Reads `NAME=PERCENT`, separated by commas.
  static func read(_ list: String) throws(CommandError) -> [ErrorBound] {
    var bounds: [ErrorBound] = []
    for part in list.split(separator: ",", omittingEmptySubsequences: false) {
      let sides = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard sides.count == 2, let percent = Double(sides[1]), percent >= 0, percent.isFinite else {
        throw .usage("'\(part)' is no bound; write NAME=PERCENT, such as itl-mean=2")
      }
      guard let measure = ErrorBound.Measure(name: String(sides[0])) else {
        throw .usage(
          "no statistic '\(sides[0])'; known are "
            + ErrorBound.Measure.names.joined(separator: ", "))
      }
      bounds.append(ErrorBound(measure, share: percent / 100))
    }
    return bounds
  }
}
