import ArgumentParser
import ClientLogs
import GPUMeasurement
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
      error comes from. Several policies, each with the log of its own run in the same order, share one \
      reading of the trace. Requests with equal arrivals stand in the order in which the log says they were \
      sent. Client logs are read as client.jsonl, as the detailed result of vllm bench \
      serve, or as AIPerf's profile_export.jsonl, compressed with zstd or not.
      """)

  @Argument(help: "The trace, a .reprise file.")
  var trace: String

  @Option(help: "What the callers of the real run saw; once for each policy.")
  var client: [String]

  @Option(help: "The policy of the real run. Default: the one in force in the trace.")
  var policy: [String] = []

  @Option(
    help: "The recording of the real run, where that is not the trace itself; once for each policy."
  )
  var steps: [String] = []

  @Option(help: "Batches that the prediction executes: recorded or rescheduled.")
  var batches: BatchSource = .rescheduled

  @OptionGroup var stepTimes: StepTimeOptions

  @Option(help: "The engine to model: a name or a YAML file. Default: the trace's own.")
  var engine: String?

  @Option(help: "Replays with moved arrivals, for the intervals.")
  var jitter = 32

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
    let policies = try realPolicies(recorded)
    let (times, measured, notes) = try stepTimes.times(
      for: source, variants: (policies + [recorded].compactMap(\.self)).flatMap(\.variants),
      on: console)
    defer { if let measured { GPUOptions.tell(measured, on: console) } }
    let baseline = recorded.map(RecordedPolicyReplays.init)
    let floor = try MeasuredNoise.floor()
    var reports: [ValidationReport] = []
    for (index, policy) in policies.enumerated() {
      let log = try ClientLog(
        bytes: try InputFile.bytes(path: client[index]), source: client[index])
      let isOther = recorded.map { $0.name != policy.name } ?? true
      let run = ValidationRun(
        source: source, times: times, policy: policy, recorded: isOther ? baseline : nil,
        client: log, jitter: jitter, seed: seed, floor: floor)
      let answered = measured?.activity.answers ?? []
      var report = try run.report(steps: steps.isEmpty ? nil : steps[index])
      report.recordedPolicy = recorded?.name
      report.bounds = bounds
      report.timing.estimates = measured?.estimates(
        of: policy.variants + (recorded?.variants ?? []), after: answered)
      report.notes = notes + report.timing.estimateNotes + report.notes
      reports.append(report)
    }
    switch format {
    case .text: try console.print(reports.map { $0.text() }.joined(separator: "\n"))
    case .json:
      let all = reports.count == 1 ? reports[0].json() : .array(reports.map { $0.json() })
      try console.print(all.text(pretty: true) + "\n")
    }
    let broken = reports.flatMap(\.broken)
    guard broken.isEmpty else { throw CommandError.failed(broken.joined(separator: "; ")) }
  }

  /// The policies of the real runs, one for each client log.
  private func realPolicies(_ recorded: (any SelectionPolicy)?) throws -> [any SelectionPolicy] {
    let policies =
      try policy.isEmpty
      ? [recorded].compactMap(\.self) : PolicyList.read(names: policy, rules: [])
    guard !policies.isEmpty else {
      throw CommandError.usage(
        "'\(trace)' does not tell which policy was in force; name the real run's with --policy")
    }
    guard policies.count == client.count else {
      throw CommandError.usage(
        client.count == 1
          ? "the real run followed one policy; name one with --policy"
          : "\(client.count) client logs of \(policies.count) policies; name one log for each")
    }
    guard steps.isEmpty || steps.count == client.count else {
      throw CommandError.usage(
        "\(steps.count) recordings of \(client.count) real runs; name one for each or none")
    }
    return policies
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
