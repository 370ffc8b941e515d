import Reports
import TraceFile
import TraceModel

/// Requests as lines of JSON or of a table.
enum RequestExport {
  /// `{"timestamp": ms, "input_length": n, "output_length": n, "hash_ids": […]}`, one a line.
  static func writeJSONLines(_ reader: TraceReader, to output: inout BufferedOutput) throws {
    for request in try reader.requests() {
      try output.append("{\"timestamp\": ")
      appendMilliseconds(request.arrival, to: &output.bytes)
      try output.append(
        ", \"input_length\": \(request.promptTokens.rawValue), "
          + "\"output_length\": \(request.outputTokens.rawValue)")
      if !request.prefixBlocks.isEmpty {
        let ids = request.prefixBlocks.map { String($0) }.joined(separator: ", ")
        try output.append(", \"hash_ids\": [\(ids)]")
      }
      try output.append("}\n")
    }
  }

  /// `id,arrival_s,prompt_tokens,output_tokens`.
  static func writeTable(_ reader: TraceReader, to output: inout BufferedOutput) throws {
    try output.append("id,arrival_s,prompt_tokens,output_tokens\n")
    for request in try reader.requests() {
      try output.append("\(request.id.rawValue),")
      SecondsText.append(request.arrival, to: &output.bytes)
      try output.append(
        ",\(request.promptTokens.rawValue),\(request.outputTokens.rawValue)\n")
    }
  }

  /// Whole milliseconds stay integers, as the published traces have them.
  private static func appendMilliseconds(_ time: Nanoseconds, to bytes: inout [UInt8]) {
    if time.rawValue.isMultiple(of: 1_000_000) {
      bytes.append(contentsOf: String(time.rawValue / 1_000_000).utf8)
    } else {
      SecondsText.append(time.rawValue, scale: 6, to: &bytes)
    }
  }
}

/// Steps as lines of a table.
enum StepTableExport {
  private static let columns = """
    step,schedule_start_s,schedule_end_s,output_s,gpu_ms,forward_ms,rows,prefill_rows,tokens,\
    total_kv_tokens,max_kv_tokens,waiting,running,free_kv_blocks,preempted,finished

    """

  /// One step a line; what was not recorded is empty.
  static func write(_ reader: TraceReader, to output: inout BufferedOutput) throws {
    try output.append(columns)
    var steps = try reader.steps()
    var step = TraceStep()
    while try steps.next(into: &step) {
      appendTimes(of: step, to: &output.bytes)
      appendBatch(of: step, to: &output.bytes)
      try output.flushIfFull()
    }
  }

  private static func appendTimes(of step: TraceStep, to bytes: inout [UInt8]) {
    bytes.append(contentsOf: "\(step.number),".utf8)
    for time in [step.scheduleStart, step.scheduleEnd, step.output] {
      if let time { SecondsText.append(time, to: &bytes) }
      bytes.append(UInt8(ascii: ","))
    }
    for time in [step.gpuTime, step.forwardTime] {
      if let time { SecondsText.append(time.rawValue, scale: 6, to: &bytes) }
      bytes.append(UInt8(ascii: ","))
    }
  }

  private static func appendBatch(of step: TraceStep, to bytes: inout [UInt8]) {
    var prefill = 0
    var tokens = 0
    var total = 0
    var longest = 0
    for row in step.rows {
      prefill += row.queryLength.rawValue > 1 ? 1 : 0
      tokens += row.queryLength.value
      total += row.kvLength.value
      longest = max(longest, row.kvLength.value)
    }
    bytes.append(
      contentsOf: "\(step.rows.count),\(prefill),\(tokens),\(total),\(longest),".utf8)
    for count in [step.waiting, step.running, step.freeKVBlocks] {
      if let count { bytes.append(contentsOf: String(count).utf8) }
      bytes.append(UInt8(ascii: ","))
    }
    bytes.append(contentsOf: "\(step.preempted.count),\(step.finished.count)\n".utf8)
  }
}
