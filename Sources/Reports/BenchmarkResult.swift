import EngineSimulation
import Metrics
public import TraceModel

/// One policy's replay in the shape of `vllm bench serve --save-result --save-detailed`.
///
/// Scripts that plot such files read it unchanged. As in that program a request that did not finish
/// keeps its place in every list, with 0 output tokens in `output_lens` and a word in `errors`. `failed` are those
/// that the engine refused; where the recording or a window ends before a request does, it is neither completed
/// nor failed.
/// `date` is fixed, because the same replay gives the same bytes.
public struct BenchmarkResult: Sendable {
  private let outcome: PolicyOutcome
  private let requests: [TraceRequest]
  private let model: String

  /// A result file of a policy; `requests` are those replayed, in order.
  public init(_ outcome: PolicyOutcome, requests: [TraceRequest], model: String) {
    self.outcome = outcome
    self.requests = requests
    self.model = model
  }

  /// Hands the file's bytes over in pieces, so that millions of gaps need no memory of their own.
  public func write<Failure: Error>(
    _ take: (Span<UInt8>) throws(Failure) -> Void
  ) throws(Failure) {
    var bytes = figures()
    try writeLists(&bytes, take)
    bytes.append(contentsOf: "}\n".utf8)
    try take(bytes.span)
  }

  /// Everything that is not one value a request.
  private func figures() -> [UInt8] {
    let summary = outcome.summary
    let seconds = summary.duration.seconds
    let completed = summary.requests(.finished)
    let input = zip(requests, outcome.outcome.requests)
      .reduce(0) { $0 + ($1.1.end == .finished ? $1.0.promptTokens.value : 0) }
    let output = zip(outcome.times, outcome.outcome.requests)
      .reduce(0) { $0 + ($1.1.end == .finished ? $1.0.tokens : 0) }
    let span = requests.count > 1 ? arrivalSpan : .zero
    func rate(_ count: Int) -> JSONValue {
      .number(seconds > 0 ? Double(count) / seconds : 0)
    }
    var members: [JSONValue.Member] = [
      .init("date", .string("19700101-000000")), .init("endpoint_type", .string("reprise")),
      .init("backend", .string("reprise")), .init("label", .string(outcome.name)),
      .init("model_id", .string(model)), .init("tokenizer_id", .string(model)),
      .init("num_prompts", .integer(Int64(requests.count))),
      .init(
        "request_rate",
        span > .zero ? .number(Double(requests.count - 1) / span.seconds) : .string("inf")),
      .init("burstiness", .number(1)), .init("max_concurrency", .null),
      .init("duration", .number(seconds)), .init("completed", .integer(Int64(completed))),
      .init("failed", .integer(Int64(summary.requests(.tooLong)))),
      .init("total_input_tokens", .integer(Int64(input))),
      .init("total_output_tokens", .integer(Int64(output))),
      .init("request_throughput", rate(completed)), .init("request_goodput", .null),
      .init("output_throughput", rate(output)),
      .init("total_token_throughput", rate(input + output)),
    ]
    for metric in [PolicyComparison.Metric.ttft, .tpot, .itl, .e2el] {
      members += statistics(of: metric)
    }
    return Array(JSONValue.object(members).text(pretty: false).utf8.dropLast())
  }

  private func statistics(of metric: PolicyComparison.Metric) -> [JSONValue.Member] {
    let values = outcome.summary.distribution(metric)
    return [
      ("mean", values?.mean), ("median", values?.p50), ("std", values?.std), ("p50", values?.p50),
      ("p90", values?.p90), ("p95", values?.p95), ("p99", values?.p99),
    ].map { .init("\($0)_\(metric.rawValue)", .number($1 ?? 0)) }
  }

  private var arrivalSpan: Nanoseconds {
    let arrivals = requests.map(\.arrival)
    return (arrivals.max() ?? .zero) - (arrivals.min() ?? .zero)
  }
}

extension BenchmarkResult {
  /// Bytes gathered before they are handed over.
  private static let pieceBytes = 1 << 16

  private func writeLists<Failure: Error>(
    _ bytes: inout [UInt8], _ take: (Span<UInt8>) throws(Failure) -> Void
  ) throws(Failure) {
    let ended = outcome.outcome.requests
    try list("input_lens", &bytes, take) { place, bytes in
      JSONValue.integer(Int64(requests[place].promptTokens.rawValue)).append(to: &bytes)
    }
    try list("output_lens", &bytes, take) { place, bytes in
      let tokens = ended[place].end == .finished ? outcome.times[place].tokens : 0
      JSONValue.integer(Int64(tokens)).append(to: &bytes)
    }
    try list("start_times", &bytes, take) { place, bytes in
      SecondsText.append(requests[place].arrival, to: &bytes)
    }
    try list("ttfts", &bytes, take) { place, bytes in
      SecondsText.append(outcome.times[place].ttft ?? .zero, to: &bytes)
    }
    try list("itls", &bytes, take) { place, bytes in appendGaps(of: ended[place], to: &bytes) }
    try list("generated_texts", &bytes, take) { _, bytes in
      bytes.append(contentsOf: "\"\"".utf8)
    }
    try list("errors", &bytes, take) { place, bytes in
      let word = ended[place].end == .finished ? "" : ended[place].end.rawValue
      JSONValue.append(word, to: &bytes)
    }
  }

  private func list<Failure: Error>(
    _ name: String, _ bytes: inout [UInt8], _ take: (Span<UInt8>) throws(Failure) -> Void,
    element: (Int, inout [UInt8]) -> Void
  ) throws(Failure) {
    bytes.append(contentsOf: ", \"\(name)\": [".utf8)
    for place in requests.indices {
      if place > 0 { bytes.append(contentsOf: ", ".utf8) }
      element(place, &bytes)
      if bytes.count >= Self.pieceBytes {
        try take(bytes.span)
        bytes.removeAll(keepingCapacity: true)
      }
    }
    bytes.append(UInt8(ascii: "]"))
  }

  private func appendGaps(of request: RequestOutcome, to bytes: inout [UInt8]) {
    bytes.append(UInt8(ascii: "["))
    for (place, gap) in request.gaps(outputs: outcome.outcome.outputs).enumerated() {
      if place > 0 { bytes.append(contentsOf: ", ".utf8) }
      SecondsText.append(gap, to: &bytes)
    }
    bytes.append(UInt8(ascii: "]"))
  }
}
