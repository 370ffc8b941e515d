import ArgumentParser
import EngineSimulation
import GPUMeasurement
import KernelSelection
import MeasurementStore
import Reports
import StepTiming
import TraceFile
import TraceModel

/// `reprise measure`: executes the batches of traces on the GPU and keeps the times.
struct MeasureCommand: ConsoleCommand {
  static let configuration = CommandConfiguration(
    commandName: "measure",
    abstract: "Execute the batches of traces on a GPU and keep the kernels' times.",
    discussion: """
      Every batch that a replay under the policies would ask about is measured once; what the file \
      has already is not measured again, so an interrupted run goes on where it stopped. The file can \
      be carried to a machine without a GPU, where 'reprise replay --timing gpu' gives the same report; \
      so can an export of it (.jsonl, .jsonl.zst), which is small enough for version control.
      """)

  @Argument(help: "Traces, .reprise files.")
  var traces: [String] = []

  @Option(name: .customLong("policy"), help: "Selection policies, separated by commas.")
  var policies: [String] = []

  @Option(help: "A rule from a YAML file as a further policy; may be given more than once.")
  var rule: [String] = []

  @Option(help: "Batches to execute: recorded or rescheduled.")
  var batches: BatchSource?

  @Option(help: "The engine to model, as for 'replay'.")
  var engine: String?

  @Option(help: "A machine profile, as for 'replay'.")
  var profile: String?

  @Option(help: "Instead of traces: measure random batches of every kind, drawn from this seed.")
  var samplePlan: UInt64?

  @Option(help: "Batches of a sample plan.")
  var count = 200

  @Option(
    help: """
      Instead of traces: measure and print one batch, given by its rows: KV lengths with commas \
      between them, 'NEW/KV' for rows of several new tokens, '*COUNT' for equal rows. Repeatable.
      """)
  var rows: [String] = []

  @Option(help: "First add the measurements of an export or a store; may be given more than once.")
  var `import`: [String] = []

  @Option(help: "Last write all measurements to a .jsonl or .jsonl.zst file.")
  var export: String?

  @Flag(help: "With --export: only the median of each measurement, which is what replays look at.")
  var medians = false

  @Flag(help: "Leave KV in L2 between calls, which a real step never does.")
  var warm = false

  @Option(help: "Measure nothing; write the batches to this file, for a provider of kernels.")
  var plan: String?

  @OptionGroup var gpu: GPUOptions

  func validate() throws {
    guard (gpu.measurements != nil) != (plan != nil) else {
      throw ValidationError(
        "Name the file that keeps the times with --measurements, or a plan's with --plan")
    }
    guard !(gpu.measurements.map(MeasurementFile.isExport) ?? false) else {
      throw ValidationError(
        "An export cannot be added to; name a store with --measurements, and the export with --import"
      )
    }
    guard
      !traces.isEmpty || samplePlan != nil || !rows.isEmpty || !`import`.isEmpty || export != nil
    else {
      throw ValidationError("Name a trace, or use --sample-plan, --rows, --import or --export")
    }
    guard (1...1 << 20).contains(count) else {
      throw ValidationError("--count must be at least 1")
    }
  }

  func run(on console: Console) async throws {
    for path in `import` { try add(path, on: console) }
    if !traces.isEmpty || samplePlan != nil || !rows.isEmpty {
      let policies = try PolicyList.read(names: policies, rules: rule)
      if let plan { return try await writePlan(to: plan, policies, on: console) }
      for trace in traces { try await measure(trace, policies, on: console) }
      if samplePlan != nil || !rows.isEmpty {
        let sample = try SampleMeasurement(
          engine: engine, policies: policies, gpu: gpu, cache: warm ? .warm : .cold)
        if let samplePlan { try sample.measure(seed: samplePlan, count: count, on: console) }
        if !rows.isEmpty { try sample.measure(rows: rows, on: console) }
      }
    }
    guard let export, let path = gpu.measurements else { return }
    let all = try MeasurementFile.all(path)
    let written = try MeasurementFile.write(
      medians ? all.map(\.condensed) : all, to: export)
    try console.print("\(export): \(written.measurements) measurements, \(written.bytes) bytes\n")
  }

  private func add(_ path: String, on console: Console) throws {
    guard let target = gpu.measurements else { return }
    let store = try MeasurementStore(path: target)
    let before = try store.counts()
    if MeasurementFile.isExport(path) {
      try store.append(contentsOf: MeasurementFile.read(path))
    } else {
      try store.merge(from: path)
    }
    let added = try store.counts().measurements - before.measurements
    try console.print("\(path): \(added) measurements added\n")
  }

  private func measure(
    _ trace: String, _ policies: [any SelectionPolicy], on console: Console
  ) async throws {
    let source = try ReplaySource(
      path: trace, batches: batches, engine: engine, selection: WorkloadSelection())
    guard
      let timing = try gpu.timing(
        .gpu, for: source, cache: warm ? .warm : .cold, requiresGPU: true, on: console)
    else { return }
    defer { GPUOptions.tell(timing, on: console) }
    if source.batches == .recorded, profile == nil, !StepTimes.hasProfile(for: source) {
      try RecordedBatches(source: source).measure(policies, timing)
    } else {
      let times = try StepTimes(
        for: source, measured: timing, profilePath: profile,
        variants: policies.flatMap(\.variants))
      let run = ReplayRun(source: source, times: times, policies: policies, console: console)
      _ = try await run.outcomes()
    }
    let steps = source.batches == .recorded ? "\(source.reader.stepCount) steps" : "rescheduled"
    try console.print(
      "\(trace): \(steps), \(policies.count) policies, \(timing.activity.measured) measured now\n")
  }
}
