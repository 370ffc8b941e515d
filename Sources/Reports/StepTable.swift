import EngineSimulation
import KernelSelection
import TraceModel

/// A policy's steps, requests and unusual gaps as comma-separated tables, for plots and data frames.
///
/// Numbers are exact decimals; a value that does not exist is an empty cell. `analysis/METRICS.md`
/// says what each column is.
public struct StepTable: Sendable {
  private let outcome: PolicyOutcome
  private let gaps: TokenGaps

  /// Bytes gathered before they are handed over.
  private static let pieceBytes = 1 << 16

  /// Tables of one policy's replay.
  public init(_ outcome: PolicyOutcome) {
    self.outcome = outcome
    gaps = TokenGaps(outcome.outcome)
  }

  /// One line a step, in the order of execution; the header alone where steps were not kept.
  public func writeSteps<Failure: Error>(
    _ take: (Span<UInt8>) throws(Failure) -> Void
  ) throws(Failure) {
    let header =
      "step,time_s,rows,padded_rows,prefill_rows,query_tokens,max_kv,sum_kv,variant,attention_us,"
      + "rest_us,best_variant,regret_us,gaps"
    let record = outcome.steps ?? StepRecord()
    let names = record.variants.map { Array($0.name.utf8) }
    let count = min(record.entries.count, outcome.outcome.outputs.count)
    try write(header, lines: count, take) { place, bytes in
      let step = record.entries[place]
      Self.append(Int64(place), to: &bytes)
      SecondsText.append(outcome.outcome.outputs[place], to: &bytes)
      bytes.append(Self.comma)
      for value in [step.rows, step.paddedRows, step.multiTokenRows, step.tokens, step.maxKVLength]
      {
        Self.append(Int64(value), to: &bytes)
      }
      Self.append(step.totalKVLength, to: &bytes)
      bytes.append(contentsOf: names[Int(step.variant)])
      bytes.append(Self.comma)
      for time in [step.attention, step.rest] {
        SecondsText.append(time.rawValue, scale: 3, to: &bytes)
        bytes.append(Self.comma)
      }
      bytes.append(contentsOf: names[Int(step.fastest)])
      bytes.append(Self.comma)
      SecondsText.append(step.regret.rawValue, scale: 3, to: &bytes)
      bytes.append(Self.comma)
      Self.append(Int64(gaps.fromPrevious[place]), to: &bytes, ends: true)
    }
  }

  /// One line a request, in the trace's order.
  public func writeRequests<Failure: Error>(
    _ take: (Span<UInt8>) throws(Failure) -> Void
  ) throws(Failure) {
    let header =
      "request,arrival_s,prompt_tokens,output_tokens,end,ttft_ms,e2el_ms,tpot_ms,mean_itl_ms,gaps"
    let requests = outcome.outcome.requests
    try write(header, lines: requests.count, take) { place, bytes in
      let times = outcome.times[place]
      Self.append(Int64(place), to: &bytes)
      SecondsText.append(requests[place].arrival, to: &bytes)
      bytes.append(Self.comma)
      Self.append(Int64(requests[place].promptTokens.rawValue), to: &bytes)
      Self.append(Int64(times.tokens), to: &bytes)
      bytes.append(contentsOf: requests[place].end.rawValue.utf8)
      bytes.append(Self.comma)
      for time in [times.ttft, times.e2el, times.tpot, times.meanITL] {
        if let time { SecondsText.append(time.rawValue, scale: 6, to: &bytes) }
        bytes.append(Self.comma)
      }
      Self.append(Int64(times.gapCount), to: &bytes, ends: true)
    }
  }

  /// One line a gap between two tokens of a request that did not come in neighbouring steps.
  public func writeGaps<Failure: Error>(
    _ take: (Span<UInt8>) throws(Failure) -> Void
  ) throws(Failure) {
    try write("step,time_s,gap_ms", lines: gaps.others.count, take) { place, bytes in
      let gap = gaps.others[place]
      Self.append(Int64(gap.step), to: &bytes)
      SecondsText.append(outcome.outcome.outputs[Int(gap.step)], to: &bytes)
      bytes.append(Self.comma)
      SecondsText.append(gap.length.rawValue, scale: 6, to: &bytes)
    }
  }

  private func write<Failure: Error>(
    _ header: String, lines: Int, _ take: (Span<UInt8>) throws(Failure) -> Void,
    line: (Int, inout [UInt8]) -> Void
  ) throws(Failure) {
    var bytes = Array((header + "\n").utf8)
    for place in 0..<lines {
      line(place, &bytes)
      bytes.append(UInt8(ascii: "\n"))
      if bytes.count >= Self.pieceBytes {
        try take(bytes.span)
        bytes.removeAll(keepingCapacity: true)
      }
    }
    try take(bytes.span)
  }

  private static let comma = UInt8(ascii: ",")

  private static func append(_ value: Int64, to bytes: inout [UInt8], ends: Bool = false) {
    bytes.append(contentsOf: String(value).utf8)
    if !ends { bytes.append(comma) }
  }
}
