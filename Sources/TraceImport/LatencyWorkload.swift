public import TraceModel

/// The requests of one iteration of `vllm bench latency`: a batch of equal prompts at time zero.
public struct LatencyWorkload: Hashable, Sendable {
  /// Tokens of each prompt (`--input-len`).
  public var promptTokens: Int
  /// Tokens generated for each (`--output-len`).
  public var outputTokens: Int
  /// Requests sent together (`--batch-size`).
  public var batchSize: Int

  /// A batch; the defaults are those of the benchmark.
  public init(promptTokens: Int = 32, outputTokens: Int = 128, batchSize: Int = 8) {
    self.promptTokens = promptTokens
    self.outputTokens = outputTokens
    self.batchSize = batchSize
  }

  /// The requests; throws where a number is out of bounds.
  public func requests() throws(TraceImportError) -> [TraceRequest] {
    let tokens = 1...ImportLimits.tokensMax
    for (name, count) in [("prompt", promptTokens), ("output-tokens", outputTokens)]
    where !tokens.contains(count) {
      throw RandomWorkload.invalid(name, "must lie between 1 and \(tokens.upperBound) tokens")
    }
    guard (1...ImportLimits.generatedRequestsMax).contains(batchSize) else {
      throw RandomWorkload.invalid(
        "batch-size", "must lie between 1 and \(ImportLimits.generatedRequestsMax)")
    }
    return (0..<batchSize).map { index in
      TraceRequest(
        id: RequestID(Int64(index)), arrival: .zero,
        promptTokens: TokenCount(Int32(promptTokens)),
        outputTokens: TokenCount(Int32(outputTokens)))
    }
  }

  /// The requests under a header that says how they were made.
  public func workload() throws(TraceImportError) -> ImportedWorkload {
    ImportedWorkload(
      header: TraceHeader(members: [
        .init("source", .string("vllm bench latency")),
        .init("source_format", .string("latency")),
        .init("workload", .string("latency-\(promptTokens)-\(outputTokens)-batch\(batchSize)")),
        .init("time_unit", .string("s")),
        .init("time_zero", .string("start of the iteration")),
      ]),
      requests: try requests())
  }
}
