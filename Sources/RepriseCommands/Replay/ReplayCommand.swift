import ArgumentParser
import EngineSimulation
import GPUMeasurement
import KernelSelection
import MachineProfiles
import Reports
import StepTiming
import TraceModel

/// `reprise replay`: the main job.
struct ReplayCommand: ConsoleCommand {
  static let configuration = CommandConfiguration(
    commandName: "replay",
    abstract: "Replay a trace under selection policies; compare their TTFT and ITL.",
    discussion: """
      Recorded batches keep every step of the trace and change only how long it takes. Rescheduled \
      batches keep its arrivals, and a model of the engine's scheduler forms new ones. A trace with \
      steps is replayed as recorded by default, one of arrivals alone as rescheduled.
      """)

  @Argument(help: "The trace, a .reprise file.")
  var trace: String

  @Option(
    name: .customLong("policy"),
    help:
      "Selection policies, separated by commas; see 'reprise policies'. The first is compared with."
  )
  var policies: [String] = []

  @Option(help: "A rule from a YAML file as a further policy; may be given more than once.")
  var rule: [String] = []

  @Option(help: "Batches to execute: recorded or rescheduled.")
  var batches: BatchSource?

  @OptionGroup var stepTimes: StepTimeOptions

  @OptionGroup var provider: ProviderOptions

  @Option(
    help:
      "The engine to model: a name or a YAML file. Default: the trace's own, else mistral-small-24b@nvidia-h200."
  )
  var engine: String?

  @OptionGroup var workload: WorkloadOptions

  @Option(
    help: "Replays with moved arrivals, for the noise floor; rescheduled batches alone follow them."
  )
  var jitter = 0

  @Option(help: "Seed of the confidence intervals and of moved arrivals.")
  var seed: UInt64 = 0

  @Option(
    help:
      "Also write summary.json and, for each policy, tables and a result file into this directory.")
  var output: String?

  @Option(
    help: "With --output, for each policy also: perfetto (a timeline), aiperf (its result files).")
  var export: String?

  @Option(help: "Form of the result: text or json.")
  var format: ResultFormat = .text

  func validate() throws {
    guard (0...Limits.jitteredReplaysMax).contains(jitter) else {
      throw ValidationError("--jitter is a number of replays, 0 to \(Limits.jitteredReplaysMax)")
    }
    guard export == nil || output != nil else {
      throw ValidationError("--export writes files; name their directory with --output")
    }
  }

  func run(on console: Console) async throws {
    let exports = try ReplayExport.read(export)
    let policies = try PolicyList.read(names: policies, rules: rule)
    let source = try ReplaySource(
      path: trace, batches: batches, engine: engine, selection: workload.selection)
    let rounds = try provider.rounds(
      for: policies, on: source, gpu: stepTimes.gpu, profilePath: stepTimes.profile,
      console: console)
    var (times, measured, notes) = try stepTimes.times(
      for: source, variants: policies.flatMap(\.variants), rounds: rounds, on: console)
    defer { if let measured { GPUOptions.tell(measured, on: console) } }
    notes += PolicyList.graphNotes(of: policies, under: source.engine.graphs.mode)
    guard jitter == 0 || source.batches == .rescheduled else {
      throw CommandError.usage(
        "--jitter moves arrivals, which recorded batches do not follow; add --batches rescheduled")
    }
    let floor = try MeasuredNoise.floor()
    let attributes = policies.contains { ReplayReport.isOracle($0.name) }
    let outcomes = try await rounds.outcomes(
      under: policies, keepsSteps: output != nil || attributes,
      jitter: (count: jitter, amplitude: floor.sendingJitter, seed: seed), &times)
    let divergence = try source.divergence(of: outcomes)
    let kernels = ReplayRun.kernels(of: policies, on: source, times)
    let rescheduled = source.rescheduledTimes(of: policies, times)
    var description = times.description
    // Known only now: which neighbours were interpolated between, and what had to be estimated.
    if let error = measured?.activity.interpolation {
      let part = "interpolation of growing decode batches (\(error.rows) probes)"
      description.errors.append(.init(part: part, error: error))
    }
    description.estimates = measured?.estimates
    var report = ReplayReport(
      trace: TraceDescription(
        name: trace, requests: source.requests, selection: source.selectionWords),
      batches: source.batches, timing: description, engine: source.engine.name,
      machine: times.gpu, notes: notes + description.estimateNotes, outcomes: outcomes, seed: seed,
      floor: floor, divergence: divergence, fastestOf: kernels.map(\.name),
      rescheduled: rescheduled)
    report.knowsGaps = !source.isSpeculative
    if let output {
      try ReplayResults(
        report: report, outcomes: outcomes, requests: source.requests,
        model: source.engine.model.name, exports: exports
      ).write(to: output)
    }
    switch format {
    case .text: try console.print(report.text())
    case .json: try console.print(report.json().text(pretty: true) + "\n")
    }
  }
}

extension TimingChoice: ExpressibleByArgument {}
