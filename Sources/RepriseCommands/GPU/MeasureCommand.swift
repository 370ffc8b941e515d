import ArgumentParser
import GPUMeasurement
import KernelSelection
import MeasurementStore
import Reports
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
      be carried to a machine without a GPU, where 'reprise replay --timing gpu' gives the same report.
      """)

  @Argument(help: "Traces, .reprise files.")
  var traces: [String]

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
  }

  func run(on console: Console) async throws {
    let policies = try PolicyList.read(names: policies, rules: rule)
    if let plan { return try await writePlan(to: plan, policies, on: console) }
    for trace in traces {
      let source = try ReplaySource(
        path: trace, batches: batches, engine: engine, selection: WorkloadSelection())
      guard
        let timing = try gpu.timing(
          .gpu, for: source, cache: warm ? .warm : .cold, requiresGPU: true, on: console)
      else { return }
      defer { GPUOptions.tell(timing, on: console) }
      let times = try StepTimes(
        for: source, measured: timing, profilePath: profile,
        variants: policies.flatMap(\.variants))
      let run = ReplayRun(source: source, times: times, policies: policies, console: console)
      _ = try await run.outcomes()
      let activity = timing.activity
      let steps = source.batches == .recorded ? "\(source.reader.stepCount) steps" : "rescheduled"
      try console.print(
        "\(trace): \(steps), \(policies.count) policies, \(activity.measured) measured now\n")
    }
  }
}
