import ArgumentParser
import EngineSimulation
import KernelSelection
import Reports
import StepTiming
import TraceModel

/// `reprise regret`: the batches on which a policy loses, and what they do to TTFT and ITL.
struct RegretCommand: ConsoleCommand {
  static let configuration = CommandConfiguration(
    commandName: "regret",
    abstract: "Show on which batches a policy loses, and which part of TTFT and ITL that is.",
    discussion: """
      --export writes the worst batch of each group of similar ones, most total regret first: \
      batch-spec (for vllm bench forward --case), bench-forward (JSON for its --shapes; run it with \
      --kv-len-jitter 0), attention-benchmark (for --batch-specs of vLLM's attention_benchmarks) \
      or flashinfer-trace (workloads of FlashInfer-Trace, into the directory of --output).
      """)

  /// What the worst batches are exported as.
  enum Export: String, ExpressibleByArgument, CaseIterable {
    case batchSpec = "batch-spec"
    case benchForward = "bench-forward"
    case attentionBenchmark = "attention-benchmark"
    case flashInferTrace = "flashinfer-trace"
  }

  @Argument(help: "The trace, a .reprise file.")
  var trace: String

  @Option(help: "The policy to look at; see 'reprise policies'.")
  var policy: String?

  @Option(help: "A rule from a YAML file, instead of --policy.")
  var rule: String?

  @Option(help: "What it is held against, batch by batch: fastest, fastest:A,B or another policy.")
  var against: String = "fastest"

  @OptionGroup var options: TimingOptions

  @Option(help: "How many of the worst batches to list or export.")
  var worst: Int = 5

  @Option(help: "Print the worst batches in this form instead of the report.")
  var export: Export?

  @Option(help: "The directory that --export flashinfer-trace writes into.")
  var output: String?

  @Option(help: "Seed of the confidence intervals.")
  var seed: UInt64 = 0

  @Option(help: "Form of the result: text or json.")
  var format: ResultFormat = .text

  func validate() throws {
    guard (policy == nil) != (rule == nil) else {
      throw ValidationError("Name one policy with --policy, or one rule with --rule")
    }
    guard (0...Limits.worstBatchesMax).contains(worst) else {
      throw ValidationError("--worst takes 0 to \(Limits.worstBatchesMax)")
    }
    guard (export == .flashInferTrace) == (output != nil) else {
      throw ValidationError("--output goes with --export flashinfer-trace, and the other way round")
    }
  }

  func run(on console: Console) async throws {
    let names = policy.map { [$0] } ?? []
    let chosen = try PolicyList.read(names: names, rules: rule.map { [$0] } ?? [])
    let others = try PolicyList.read(names: [against], rules: [])
    guard chosen.count == 1, others.count == 1 else {
      throw CommandError.usage("regret is that of one policy against one other; name each alone")
    }
    guard chosen[0].name != others[0].name else {
      throw CommandError.usage("'\(chosen[0].name)' against itself has no regret; name another")
    }
    let source = try options.source(path: trace)
    let (times, measured, notes) = try options.times(
      for: source, variants: (chosen + others).flatMap(\.variants), on: console)
    let run = RegretRun(
      source: source, times: times, policy: chosen[0], other: others[0], console: console)
    let (own, other, timer) = try await run.outcomes()
    if let measured { GPUOptions.tell(measured, on: console) }
    let estimates = measured?.estimates.map { [$0.words] } ?? []
    let graphNotes = PolicyList.graphNotes(
      of: chosen + others, under: source.engine.graphs.mode)
    let report = RegretReport(
      trace: TraceDescription(
        name: trace, requests: source.requests, selection: source.selectionWords),
      batches: source.batches, timing: times.description, engine: source.engine.name,
      notes: notes + graphNotes + estimates,
      policy: own, other: other, timer: timer, seed: seed)
    if let export {
      try write(export, Array(report.worst.prefix(worst)), source: source, on: console)
      return
    }
    switch format {
    case .text: try console.print(report.text(worst: worst))
    case .json: try console.print(report.json(worst: worst).text(pretty: true) + "\n")
    }
  }

  private func write(
    _ export: Export, _ batches: [WorstBatch], source: ReplaySource, on console: Console
  ) throws {
    if batches.isEmpty { console.note("no batch has regret, so there is none to export") }
    switch export {
    case .batchSpec:
      for (index, batch) in batches.enumerated() {
        let name = BatchSpec.name(of: batch, number: index + 1)
        try console.print("\(name)=\(BatchSpec.requests(of: batch))\n")
      }
    case .benchForward:
      try console.print(BatchSpec.forwardCases(of: batches).text() + "\n")
    case .attentionBenchmark:
      for batch in batches { try console.print(BatchSpec.kernelSpec(of: batch) + "\n") }
    case .flashInferTrace:
      guard let output else { return }
      let files = FlashInferWorkloads(context: source.engine.attentionContext).files(of: batches)
      for file in files {
        let path = "\(output)/\(file.path)"
        try FileSystem.makeDirectory(String(path[..<(path.lastIndex(of: "/") ?? path.endIndex)]))
        let result = try ResultFile(path: path)
        try result.write(file.bytes.span)
        try result.finish()
        try console.print(path + "\n")
      }
    }
  }
}
