import ArgumentParser
import TraceImport
import TraceModel

/// `reprise generate`: workloads that benchmarks draw, as traces of arrivals.
struct GenerateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "generate", abstract: "Draw a workload as vLLM's benchmarks do.",
    subcommands: [GenerateRandomCommand.self, GenerateLatencyCommand.self])
}

/// `reprise generate random`: what `vllm bench serve --dataset-name random` sends.
struct GenerateRandomCommand: ConsoleCommand {
  static let configuration = CommandConfiguration(
    commandName: "random", abstract: "Draw the requests of vllm bench serve --dataset-name random.")

  @Option(help: "Requests a second; inf sends all at once.")
  var rate: Double

  @Option(help: "Prompt tokens of a request.")
  var prompt: Int

  @Option(help: "Output tokens of a request.")
  var outputTokens: Int

  @Option(help: "Seconds for which requests arrive.")
  var duration: Double?

  @Option(help: "How many requests, instead of --duration.")
  var requests: Int?

  @Option(help: "The benchmark's seed.")
  var seed: UInt32 = 0

  @Option(help: "Shape of the gamma distribution: 1 is Poisson, less is burstier, inf is even.")
  var burstiness: Double = 1

  @Option(help: "Spread of lengths: 0.5 draws from half to one and a half of the middle.")
  var rangeRatio: Double = 0

  @Option(help: "Whose way of drawing: vllm-rescaled (since July 2025) or vllm-2025-06.")
  var style: RandomWorkload.Style = .vllmRescaled

  @Option(help: "Tokens of the vocabulary, whose draws come before the arrivals'.")
  var vocabulary: Int = 131_072

  @Option(help: "Tokens that the tokenizer adds to each prompt.")
  var specialTokens: Int = 1

  @Option(help: "The trace to write.", transform: FileSystem.traceName)
  var output: String

  func validate() throws {
    guard (duration == nil) != (requests == nil) else {
      throw ValidationError("name either --duration in seconds or --requests")
    }
    if let duration, duration <= 0 || Nanoseconds(seconds: duration) == nil {
      throw ValidationError("--duration must be above 0 seconds")
    }
    guard rate > 0 else {
      throw ValidationError("--rate must be above 0 requests a second, or inf for all at once")
    }
    if duration != nil, !rate.isFinite {
      throw ValidationError("an infinite rate has no duration; name --requests")
    }
  }

  func run(on console: Console) throws {
    let size: RandomWorkload.Size =
      if let duration, let time = Nanoseconds(seconds: duration) { .duration(time) } else {
        .requests(requests ?? 0)
      }
    let workload = RandomWorkload(
      promptTokens: prompt, outputTokens: outputTokens, rate: rate, burstiness: burstiness,
      size: size, seed: seed, rangeRatio: rangeRatio, style: style, vocabularySize: vocabulary,
      specialTokens: specialTokens)
    try WorkloadTrace(drawing: workload.workload, source: "generator")
      .write(to: output, on: console)
  }
}

/// `reprise generate latency`: what `vllm bench latency` sends in one iteration.
struct GenerateLatencyCommand: ConsoleCommand {
  static let configuration = CommandConfiguration(
    commandName: "latency", abstract: "The batch that vllm bench latency sends at once.")

  @Option(help: "Prompt tokens of a request.")
  var prompt: Int = 32

  @Option(help: "Output tokens of a request.")
  var outputTokens: Int = 128

  @Option(help: "Requests sent together.")
  var batchSize: Int = 1

  @Option(help: "The trace to write.", transform: FileSystem.traceName)
  var output: String

  func run(on console: Console) throws {
    let workload = LatencyWorkload(
      promptTokens: prompt, outputTokens: outputTokens, batchSize: batchSize)
    try WorkloadTrace(drawing: workload.workload, source: "generator")
      .write(to: output, on: console)
  }
}

extension WorkloadTrace {
  /// What a generator draws; an option that it cannot follow is a wrong call.
  init(
    drawing draw: () throws(TraceImportError) -> ImportedWorkload, source: String
  ) throws(CommandError) {
    let workload: ImportedWorkload
    do { workload = try draw() } catch {
      throw error.kind == .invalidParameter
        ? .usage("--\(error.source) \(error.reason)") : .failed(error.message)
    }
    try self.init(workload, selection: WorkloadSelection(), source: source)
  }
}
