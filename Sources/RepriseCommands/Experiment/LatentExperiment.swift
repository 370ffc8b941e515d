import EngineSimulation
import GPUMeasurement
import KernelSelection
import MeasurementStore
import Reports
import StepTiming
import TraceFile
import TraceModel

/// Decode speed against context under MLA kernels before and after: the table of vLLM's PR #19774.
///
/// The rest of a step is what the pull request's own row without context leaves beside our kernels,
/// since no engine of ours has served the model; kernels and their growth with context are measured.
struct LatentExperiment: Experiment {
  let name = "vllm-19774-mla"
  let title =
    "vLLM PR #19774, tokens a second of one request against its context (DeepSeek-V3 over 4 GPUs, 61 "
    + "layers of MLA with 32 query heads a GPU)"
  let kind = ExperimentReport.Kind.mla
  let xLabel = "context tokens"
  let yLabel = "tokens/s"
  let engine: String? = nil
  let batches = BatchSource.recorded
  let policies = ["vllm-mla-4-splits", "vllm-19774", "vllm-mla-0.33", "vllm-mla-0.33-eager"]
  let notes = [
    "vllm-mla-4-splits is the kernel before the pull request, vllm-19774 its two-part kernel, "
      + "vllm-mla-0.33 today's kernel with the splits of the longest request, which its graphs freeze, and "
      + "vllm-mla-0.33-eager the same kernel with splits that follow the length",
    "the rest of every step is taken from the pull request's row without context, so that row agrees by "
      + "construction, and the others mix its hardware's rest with our hardware's attention",
  ]

  /// Characters of context, as the pull request has them.
  private static let characters = [0, 50_000, 100_000, 200_000]
  private static let charactersPerToken = 4
  /// Tokens generated behind the context.
  private static let outputTokens = 128
  /// Steps of the traces, which only their order matters of.
  private static let period = Nanoseconds(20_000_000)

  private static let model: JSONValue = .object([
    .init("name", .string("deepseek-v3")), .init("layers", .integer(61)),
    .init("hidden_size", .integer(7168)), .init("intermediate_size", .integer(18432)),
    .init("num_query_heads", .integer(128)), .init("num_kv_heads", .integer(1)),
    .init("head_size", .integer(576)), .init("vocab_size", .integer(129_280)),
    .init("max_model_len", .integer(163_840)),
  ])

  var points: [ExperimentPoint] {
    Self.characters.map { characters in
      let tokens = characters / Self.charactersPerToken
      return ExperimentPoint(x: Double(tokens), label: "\(tokens)", folder: "context-\(tokens)") {
        (path: String) in try Self.writeTrace(context: tokens, to: path)
      }
    }
  }

  /// Steps of one decode row that grows behind its context.
  private static func writeTrace(context: Int, to path: String) throws {
    let header = TraceHeader(members: [
      .init("source", .string("vLLM PR #19774")), .init("engine", .string("vllm")),
      .init("gpu", .string("NVIDIA H200")), .init("sm_count", .integer(132)),
      .init("model", model), .init("tensor_parallel", .integer(4)),
      .init("kv_block_size", .integer(64)), .init("kv_cache_tokens", .integer(262_144)),
      .init("max_num_batched_tokens", .integer(8192)), .init("max_num_seqs", .integer(256)),
      .init("cuda_graph_mode", .string("FULL_DECODE_ONLY")),
      .init("cuda_graph_capture_sizes", .array([.integer(1)])),
      .init("async_scheduling", .bool(false)),
    ])
    let prompt = max(1, context)
    var writer = try TraceWriter(path: path, header: header)
    do {
      try writer.append(
        TraceRequest(
          id: RequestID(0), arrival: .zero, promptTokens: TokenCount(Int32(prompt)),
          outputTokens: TokenCount(Int32(outputTokens))))
      for number in 0..<outputTokens {
        let start = period * number
        try writer.append(
          TraceStep(
            number: Int64(number), scheduleStart: start, scheduleEnd: start, output: start + period,
            rows: [
              StepRow(
                request: 0, computed: TokenCount(Int32(prompt - 1 + number)),
                queryLength: TokenCount(1))
            ]))
      }
    } catch {
      writer.cancel()
      throw error
    }
    try writer.finish()
  }

  func recordedFigures(in folder: String) throws -> [ExperimentReport.Figure] { [] }

  func times(
    for source: ReplaySource, policies: [any SelectionPolicy], options: StepTimeOptions,
    on console: Console
  ) throws -> PointTimes {
    guard let baseline = try PublishedFigures(experiment: name).figures.first(where: { $0.x == 0 })
    else { preconditionFailure("the program carries the pull request's figures") }
    let measured = try options.gpu.timing(options.timing, for: source, on: console)
    let shipped = try LatentMeasurements(policies: policies)
    let attention: any AttentionTiming = measured ?? shipped
    let words =
      measured.map {
        "attention from kernels executed on \($0.machine.gpu), driver \($0.machine.driver)"
      } ?? "attention from kernels measured on \(shipped.gpu), \(shipped.origin)"
    let first = try SelectionPolicies.named(self.policies[0])
    if let measured, let path = options.gpu.measurements,
      !measured.variants.contains(first.variants[0])
    {
      throw CommandError.failed(
        "'\(path)' has no times of '\(first.variants[0].name)', which the rest of each step follows "
          + "from; leave --measurements out to use those that the program carries")
    }
    var total = Nanoseconds.zero
    for tokens in 1...Self.outputTokens {
      let batch = AttentionBatch(rows: [(1, Int32(tokens))])
      total += try attention.attentionTime(
        of: first.variants[0], for: batch, in: source.engine.attentionContext)
    }
    let mean = (total * source.engine.model.layers).microseconds / Double(Self.outputTokens)
    let rest = 1e6 / baseline.y - mean
    let point = RestOfStep.Point(tokens: 1, microseconds: rest)
    let times = StepTimes(
      attention: attention, rest: RestOfStep(graphs: [point], pieces: [point]),
      description: TimingDescription(
        source: attention.source, attention: words,
        rest: "rest of step from the pull request's own row without context"),
      gpu: measured?.machine.gpu ?? shipped.gpu, isMeasured: measured != nil)
    return (times, measured, [])
  }
}
