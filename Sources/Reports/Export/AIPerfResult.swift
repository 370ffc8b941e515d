import EngineSimulation
import Metrics
public import TraceModel

/// One policy's replay in the shape of AIPerf's `profile_export.jsonl` and `profile_export_aiperf.json`.
///
/// Names, units and meanings are AIPerf's: `inter_token_latency` is each request's own mean gap, and the
/// gaps themselves are `inter_chunk_latency`. A request that did not finish has an error and no metrics.
public struct AIPerfResult: Sendable {
  private let outcome: PolicyOutcome

  /// The export of a replay.
  public init(_ outcome: PolicyOutcome) { self.outcome = outcome }

  /// Writes one request a line.
  public func writeRecords<Failure: Error>(
    _ take: (Span<UInt8>) throws(Failure) -> Void
  ) throws(Failure) {
    var writer = PieceWriter<Failure>()
    for place in outcome.outcome.requests.indices {
      record(place).append(to: &writer.bytes)
      writer.append("\n")
      try writer.flush(to: take)
    }
    try writer.flush(all: true, to: take)
  }

  private func record(_ place: Int) -> JSONValue {
    let request = outcome.outcome.requests[place]
    let times = outcome.times[place]
    let isFinished = request.end == .finished
    let end = times.e2el.map { request.arrival + $0 } ?? request.arrival
    let metadata = JSONValue.object([
      .init("session_num", .integer(Int64(place))), .init("x_request_id", .string("\(place)")),
      .init("conversation_id", .string("session_\(place)")), .init("turn_index", .integer(0)),
      .init("request_start_ns", .integer(request.arrival.rawValue)),
      .init("request_ack_ns", .null), .init("request_end_ns", .integer(end.rawValue)),
      .init("worker_id", .string("reprise")), .init("record_processor_id", .string("reprise")),
      .init("benchmark_phase", .string("profiling")), .init("was_cancelled", .bool(!isFinished)),
    ])
    let error: JSONValue =
      isFinished
      ? .null
      : .object([
        .init("code", .null), .init("type", .string(request.end.rawValue)),
        .init("message", .string("the request ended as \(request.end.words)")),
      ])
    return .object([
      .init("metadata", metadata),
      .init("metrics", .object(isFinished ? metrics(place) : [])), .init("error", error),
    ])
  }

  private func metrics(_ place: Int) -> [JSONValue.Member] {
    let request = outcome.outcome.requests[place]
    let times = outcome.times[place]
    func value(_ value: JSONValue, _ unit: String) -> JSONValue {
      .object([.init("value", value), .init("unit", .string(unit))])
    }
    var members: [JSONValue.Member] = [
      .init(
        "input_sequence_length",
        value(.integer(Int64(request.promptTokens.rawValue)), "tokens")),
      .init("output_sequence_length", value(.integer(Int64(times.tokens)), "tokens")),
      .init("output_token_count", value(.integer(Int64(times.tokens)), "tokens")),
    ]
    for (name, time) in [
      ("time_to_first_token", times.ttft), ("request_latency", times.e2el),
      ("inter_token_latency", times.tpot),
    ] {
      if let time { members.append(.init(name, value(.number(time.milliseconds), "ms"))) }
    }
    let gaps = request.gaps(outputs: outcome.outcome.outputs)
    members.append(
      .init("inter_chunk_latency", value(.array(gaps.map { .number($0.milliseconds) }), "ms")))
    return members
  }

  /// The figures over all finished requests.
  public func summary() -> JSONValue {
    let finished = outcome.outcome.requests.indices.filter {
      outcome.outcome.requests[$0].end == .finished
    }
    let times = finished.map { outcome.times[$0] }
    let seconds = outcome.summary.duration.seconds
    let output = times.reduce(0) { $0 + $1.tokens }
    func single(_ value: Double, _ unit: String) -> JSONValue {
      .object([.init("unit", .string(unit)), .init("avg", .number(value))])
    }
    var members: [JSONValue.Member] = [
      .init("schema_version", .string("1.4")),
      .init("request_count", single(Double(finished.count), "requests")),
      .init(
        "error_request_count",
        single(Double(outcome.outcome.requests.count - finished.count), "requests")),
      .init("benchmark_duration", single(seconds, "sec")),
      .init("total_output_tokens", single(Double(output), "tokens")),
    ]
    if seconds > 0 {
      members.append(
        .init("request_throughput", single(Double(finished.count) / seconds, "requests/sec")))
      members.append(
        .init("output_token_throughput", single(Double(output) / seconds, "tokens/sec")))
    }
    let requests = finished.map { outcome.outcome.requests[$0] }
    let distributions: [(String, String, [Double])] = [
      ("time_to_first_token", "ms", times.compactMap { $0.ttft?.milliseconds }),
      ("request_latency", "ms", times.compactMap { $0.e2el?.milliseconds }),
      ("inter_token_latency", "ms", times.compactMap { $0.tpot?.milliseconds }),
      ("output_sequence_length", "tokens", times.map { Double($0.tokens) }),
      ("input_sequence_length", "tokens", requests.map { Double($0.promptTokens.value) }),
    ]
    for (name, unit, values) in distributions where !values.isEmpty {
      members.append(.init(name, Self.statistics(values, unit)))
    }
    return .object(members)
  }

  private static func statistics(_ values: [Double], _ unit: String) -> JSONValue {
    let sorted = values.sorted()
    let count = Double(sorted.count)
    let mean = sorted.reduce(0, +) / count
    let variance = sorted.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count
    var members: [JSONValue.Member] = [
      .init("unit", .string(unit)), .init("avg", .number(mean)),
    ]
    for percent in [1, 5, 10, 25, 50, 75, 90, 95, 99] {
      let value = LinearPercentile.value(of: Double(percent) / 100, in: sorted)
      members.append(.init("p\(percent)", .number(value)))
    }
    return .object(
      members + [
        .init("min", .number(sorted[0])), .init("max", .number(sorted[sorted.count - 1])),
        .init("std", .number(variance.squareRoot())), .init("count", .integer(Int64(count))),
        .init("sum", .number(sorted.reduce(0, +))),
      ])
  }
}
