public import TraceModel

/// The requests that `vllm bench serve --dataset-name random` sends for the same options and seed.
///
/// Lengths and arrivals are drawn by NumPy's generators bit for bit, so a replay and a run on a real
/// server see the same traffic. Prompts share no prefix: their tokens start at random offsets.
public struct RandomWorkload: Hashable, Sendable {
  /// Which vLLM draws.
  public enum Style: String, CaseIterable, Sendable {
    /// `benchmarks/benchmark_serving.py` of June 2025, as in the kernel pull requests of that time.
    ///
    /// One global stream gives lengths, token offsets and then the interval slept after each request;
    /// the first request comes at time zero.
    case vllm2025June = "vllm-2025-06"
    /// `vllm bench serve` since July 2025.
    ///
    /// All arrivals are drawn up front and rescaled so that the last comes at count / rate; the first
    /// request waits as well. Lengths come from a generator of their own.
    case vllmRescaled = "vllm-rescaled"
  }

  /// How many requests are drawn.
  public enum Size: Hashable, Sendable {
    /// This many.
    case requests(Int)
    /// As many as the rate gives in this time, as scripts around the benchmark ask for.
    case duration(Nanoseconds)
  }

  /// Tokens of a prompt as the server counts them, special tokens included.
  public var promptTokens: Int
  /// Tokens generated for each.
  public var outputTokens: Int
  /// Requests a second; infinite sends all at once.
  public var rate: Double
  /// The gamma distribution's shape: 1 is Poisson, less is burstier, infinite is evenly spaced.
  public var burstiness: Double
  /// How many requests.
  public var size: Size
  /// The benchmark's `--seed`.
  public var seed: UInt32
  /// How far lengths spread around their middle: 0.5 draws from half to one and a half of it.
  public var rangeRatio: Double
  /// Which vLLM draws.
  public var style: Style
  /// Tokens in the vocabulary: the offsets drawn from it use up the stream that arrivals come from.
  public var vocabularySize: Int
  /// Tokens that the tokenizer adds to a prompt, such as a beginning-of-sequence token.
  public var specialTokens: Int

  /// A workload with vLLM's defaults where it has any; `requests()` checks the values.
  public init(
    promptTokens: Int, outputTokens: Int, rate: Double, burstiness: Double = 1, size: Size,
    seed: UInt32 = 0, rangeRatio: Double = 0, style: Style = .vllmRescaled,
    vocabularySize: Int = 131_072, specialTokens: Int = 1
  ) {
    self.promptTokens = promptTokens
    self.outputTokens = outputTokens
    self.rate = rate
    self.burstiness = burstiness
    self.size = size
    self.seed = seed
    self.rangeRatio = rangeRatio
    self.style = style
    self.vocabularySize = vocabularySize
    self.specialTokens = specialTokens
  }

  /// Draws the requests, in order of arrival.
  ///
  /// - Throws: an error that names the parameter that cannot be.
  public func requests() throws(TraceImportError) -> [TraceRequest] {
    let count = try checkedCount()
    var twister = MersenneTwister(seed: seed)
    let lengths =
      switch style {
      case .vllm2025June: lengths2025June(count, &twister)
      case .vllmRescaled: lengthsRescaled(count)
      }
    let arrivals =
      switch style {
      case .vllm2025June: arrivalsSlept(count, &twister)
      case .vllmRescaled: arrivalsRescaled(count, &twister)
      }
    var requests: [TraceRequest] = []
    requests.reserveCapacity(count)
    for (index, (length, seconds)) in zip(lengths, arrivals).enumerated() {
      guard let arrival = Nanoseconds(seconds: seconds),
        arrival.rawValue <= ImportLimits.arrivalMax
      else { throw Self.invalid("rate", "is too small: request \(index) comes after a century") }
      requests.append(
        TraceRequest(
          id: RequestID(Int64(index)), arrival: arrival, promptTokens: length.prompt,
          outputTokens: length.output))
    }
    return requests
  }

  /// Draws the requests, under a header that says how they were drawn.
  public func workload() throws(TraceImportError) -> ImportedWorkload {
    ImportedWorkload(header: header, requests: try requests())
  }

  /// What a trace of these requests says of itself.
  public var header: TraceHeader {
    let name = rate.isFinite ? "random-rate\(Self.short(rate))" : "random-all-at-once"
    return TraceHeader(members: [
      .init("source", .string("vllm bench serve --dataset-name random")),
      .init("source_format", .string("random")), .init("workload", .string(name)),
      .init("time_unit", .string("s")), .init("time_zero", .string("start of the benchmark")),
      .init(
        "generator",
        .object([
          .init("style", .string(style.rawValue)), .init("rate", Self.json(rate)),
          .init("burstiness", Self.json(burstiness)), .init("seed", .integer(Int64(seed))),
          .init("prompt_tokens", .integer(Int64(promptTokens))),
          .init("output_tokens", .integer(Int64(outputTokens))),
          .init("range_ratio", .number(rangeRatio)),
          .init("vocab_size", .integer(Int64(vocabularySize))),
          .init("special_tokens", .integer(Int64(specialTokens))),
        ])),
    ])
  }

  /// Infinity is written as the benchmark writes it, since JSON has none.
  private static func json(_ value: Double) -> JSONValue {
    value.isFinite ? .number(value) : .string("inf")
  }

  private static func short(_ value: Double) -> String {
    value == value.rounded() && value < 1e9 ? String(Int64(value)) : String(value)
  }
}
