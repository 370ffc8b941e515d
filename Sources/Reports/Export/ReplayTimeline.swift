import EngineSimulation
import KernelSelection
import TraceModel

/// A policy's replay as a timeline in Chrome's trace-event JSON, which Perfetto opens.
///
/// One track has the GPU's steps, each with its attention (all layers drawn as one, under the kernel
/// that was chosen) and its rest; a counter has the rows; every request has an asynchronous track with
/// its phases `waiting`, `prefill` and `decode`.
public struct ReplayTimeline: Sendable {
  private let outcome: PolicyOutcome

  private static let engine = 1
  private static let requests = 2

  /// The timeline of a replay whose steps were kept.
  public init(_ outcome: PolicyOutcome) { self.outcome = outcome }

  /// Writes the whole timeline, one event a line.
  public func write<Failure: Error>(
    _ take: (Span<UInt8>) throws(Failure) -> Void
  ) throws(Failure) {
    var writer = PieceWriter<Failure>()
    var name: [UInt8] = []
    JSONValue.append("engine under \(outcome.name)", to: &name)
    writer.append(
      """
      {"displayTimeUnit": "ms", "traceEvents": [
      {"ph": "M", "pid": \(Self.engine), "name": "process_name", "args": {"name": \
      \(String(decoding: name, as: UTF8.self))}},
      {"ph": "M", "pid": \(Self.engine), "tid": 1, "name": "thread_name", "args": {"name": "GPU"}},
      {"ph": "M", "pid": \(Self.requests), "name": "process_name", "args": {"name": "requests"}}
      """)
    let record = outcome.steps ?? StepRecord()
    let processed = outcome.outcome.processed
    let outputs = processed.isEmpty ? outcome.outcome.outputs : processed
    for place in 0..<min(record.entries.count, outputs.count) {
      appendStep(record.entries[place], place, outputs[place], record.variants, to: &writer.bytes)
      try writer.flush(to: take)
    }
    for place in outcome.outcome.requests.indices {
      appendRequest(place, to: &writer.bytes)
      try writer.flush(to: take)
    }
    writer.append("\n]}\n")
    try writer.flush(all: true, to: take)
  }

  private func appendStep(
    _ step: StepRecord.Entry, _ place: Int, _ output: Nanoseconds, _ variants: [KernelVariant],
    to bytes: inout [UInt8]
  ) {
    let gpu = step.attention + step.rest
    let start = output - gpu
    Self.appendSlice("step \(place)", at: start, for: gpu, to: &bytes)
    bytes.append(
      contentsOf: """
        , "args": {"rows": \(step.rows), "padded_rows": \(step.paddedRows), \
        "prefill_rows": \(step.multiTokenRows), "tokens": \(step.tokens), \
        "max_kv_tokens": \(step.maxKVLength), "kv_tokens": \(step.totalKVLength)}}
        """.utf8)
    let variant = variants[Int(step.variant)]
    Self.appendSlice(variant.name, at: start, for: step.attention, to: &bytes)
    bytes.append(
      contentsOf:
        ", \"args\": {\"fastest\": \"\(variants[Int(step.fastest)].name)\", \"regret_us\": "
        .utf8)
    SecondsText.append(step.regret.rawValue, scale: 3, to: &bytes)
    bytes.append(contentsOf: "}}".utf8)
    Self.appendSlice("rest", at: start + step.attention, for: step.rest, to: &bytes)
    bytes.append(UInt8(ascii: "}"))
    Self.appendEvent("C", "batch", Self.engine, at: start, to: &bytes)
    bytes.append(contentsOf: ", \"args\": {\"rows\": \(step.rows)}}".utf8)
  }

  /// `waiting` until its first step begins, `prefill` until its first token, `decode` until its last.
  private func appendRequest(_ place: Int, to bytes: inout [UInt8]) {
    let request = outcome.outcome.requests[place]
    let outputs = outcome.outcome.outputs
    let first = request.tokenRuns.first { $0.count > 0 }.map { outputs[Int($0.firstStep)] }
    let last = request.tokenRuns.last { $0.count > 0 }
      .map { outputs[Int($0.firstStep) + Int($0.count) - 1] }
    var phases: [(name: String, from: Nanoseconds, to: Nanoseconds)] = []
    if let scheduled = request.scheduled {
      phases.append(("waiting", request.arrival, scheduled))
      if let first { phases.append(("prefill", scheduled, first)) }
    }
    if let first, let last { phases.append(("decode", first, last)) }
    for (index, phase) in phases.enumerated() where phase.to >= phase.from {
      for (kind, time) in [("b", phase.from), ("e", phase.to)] {
        Self.appendEvent(kind, phase.name, Self.requests, at: time, to: &bytes)
        bytes.append(contentsOf: ", \"cat\": \"request\", \"id\": \(place)".utf8)
        if index == 0, kind == "b" {
          let words =
            ", \"args\": {\"prompt_tokens\": \(request.promptTokens.rawValue), "
            + "\"output_tokens\": \(outcome.times[place].tokens)}"
          bytes.append(contentsOf: words.utf8)
        }
        bytes.append(UInt8(ascii: "}"))
      }
    }
  }

  private static func appendSlice(
    _ name: String, at start: Nanoseconds, for length: Nanoseconds, to bytes: inout [UInt8]
  ) {
    appendEvent("X", name, engine, thread: 1, at: start, to: &bytes)
    bytes.append(contentsOf: ", \"dur\": ".utf8)
    SecondsText.append(length.rawValue, scale: 3, to: &bytes)
  }

  /// The start of an event, which the caller goes on with and closes.
  private static func appendEvent(
    _ kind: String, _ name: String, _ process: Int, thread: Int = 0, at time: Nanoseconds,
    to bytes: inout [UInt8]
  ) {
    let start =
      ",\n{\"ph\": \"\(kind)\", \"name\": \"\(name)\", \"pid\": \(process), \"tid\": \(thread), "
      + "\"ts\": "
    bytes.append(contentsOf: start.utf8)
    SecondsText.append(time.rawValue, scale: 3, to: &bytes)
  }
}
