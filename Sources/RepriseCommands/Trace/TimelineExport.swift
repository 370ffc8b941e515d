import Reports
import TraceFile
import TraceModel

/// A trace as a timeline in Chrome's trace-event JSON, which Perfetto opens.
///
/// Two tracks of the engine (the scheduler's calls, the steps until their output), one asynchronous
/// track a request with its phases `waiting`, `prefill` and `decode`, and counters of the batch.
enum TimelineExport {
  private static let engine = 1
  private static let requestsProcess = 2

  /// Writes the whole timeline, one event a line.
  static func write(_ reader: TraceReader, to output: inout BufferedOutput) throws {
    let requests = try reader.requests()
    try output.append(
      """
      {"displayTimeUnit": "ms", "traceEvents": [
      {"ph": "M", "pid": \(engine), "name": "process_name", "args": {"name": "engine"}},
      {"ph": "M", "pid": \(engine), "tid": 1, "name": "thread_name", "args": {"name": "schedule"}},
      {"ph": "M", "pid": \(engine), "tid": 2, "name": "thread_name", "args": {"name": "even steps"}},
      {"ph": "M", "pid": \(engine), "tid": 3, "name": "thread_name", "args": {"name": "odd steps"}},
      {"ph": "M", "pid": \(requestsProcess), "name": "process_name", "args": {"name": "requests"}}
      """)
    var phases = requests.map { RequestPhases($0) }
    for place in requests.indices {
      try phases[place].begin(.waiting, at: requests[place].arrival, to: &output)
    }
    if reader.stepCount > 0 {
      try writeSteps(reader, &phases, to: &output)
    }
    try output.append("\n]}\n")
  }

  private static func writeSteps(
    _ reader: TraceReader, _ phases: inout [RequestPhases], to output: inout BufferedOutput
  ) throws {
    var steps = try reader.steps()
    var step = TraceStep()
    var last = Nanoseconds.zero
    var count = 0
    while try steps.next(into: &step) {
      let end = step.output ?? step.scheduleEnd
      last = max(last, end)
      try writeStep(step, isOdd: !count.isMultiple(of: 2), to: &output)
      count += 1
      for row in step.rows {
        try phases[Int(row.request)].advance(
          row, scheduled: step.scheduleStart, end: end, to: &output)
      }
    }
    for place in phases.indices { try phases[place].end(at: last, to: &output) }
  }

  private static func writeStep(
    _ step: TraceStep, isOdd: Bool, to output: inout BufferedOutput
  ) throws {
    var tokens = 0
    var total = 0
    for row in step.rows {
      tokens += row.queryLength.value
      total += row.kvLength.value
    }
    try event("X", "schedule", engine, thread: 1, at: step.scheduleStart, to: &output)
    try output.append(", \"dur\": ")
    appendMicroseconds(step.scheduleEnd - step.scheduleStart, to: &output.bytes)
    try output.append("}")
    if let end = step.output {
      try event(
        "X", "step \(step.number)", engine, thread: isOdd ? 3 : 2, at: step.scheduleEnd, to: &output
      )
      try output.append(", \"dur\": ")
      appendMicroseconds(end - step.scheduleEnd, to: &output.bytes)
      try output.append(
        ", \"args\": {\"rows\": \(step.rows.count), \"tokens\": \(tokens), \"kv_tokens\": \(total)")
      if let gpu = step.gpuTime {
        try output.append(", \"gpu_ms\": ")
        SecondsText.append(gpu.rawValue, scale: 6, to: &output.bytes)
      }
      try output.append("}}")
    }
    try event("C", "batch", engine, at: step.scheduleStart, to: &output)
    try output.append(", \"args\": {\"rows\": \(step.rows.count)")
    if let waiting = step.waiting { try output.append(", \"waiting\": \(waiting)") }
    try output.append("}}")
  }

  /// The start of an event, which the caller goes on with and closes.
  fileprivate static func event(
    _ kind: String, _ name: String, _ process: Int, thread: Int = 0, at time: Nanoseconds,
    to output: inout BufferedOutput
  ) throws {
    try output.append(
      ",\n{\"ph\": \"\(kind)\", \"name\": \"\(name)\", \"pid\": \(process), \"tid\": \(thread), \"ts\": "
    )
    appendMicroseconds(time, to: &output.bytes)
  }

  private static func appendMicroseconds(_ time: Nanoseconds, to bytes: inout [UInt8]) {
    SecondsText.append(time.rawValue, scale: 3, to: &bytes)
  }

  /// Which phase a request is in, as its rows pass by.
  fileprivate struct RequestPhases {
    enum Phase: String {
      case waiting
      case prefill
      case decode
    }

    private let request: TraceRequest
    private var phase: Phase?

    init(_ request: TraceRequest) { self.request = request }

    mutating func begin(
      _ next: Phase, at time: Nanoseconds, to output: inout BufferedOutput
    ) throws {
      phase = next
      try mark("b", next, at: time, to: &output)
    }

    mutating func end(at time: Nanoseconds, to output: inout BufferedOutput) throws {
      guard let phase else { return }
      try mark("e", phase, at: time, to: &output)
      self.phase = nil
    }

    mutating func advance(
      _ row: StepRow, scheduled: Nanoseconds, end: Nanoseconds, to output: inout BufferedOutput
    ) throws {
      guard let current = phase else { return }
      if current == .waiting {
        try self.end(at: scheduled, to: &output)
        try begin(.prefill, at: scheduled, to: &output)
      }
      guard row.kvLength >= request.promptTokens else { return }
      if phase == .prefill {
        try self.end(at: end, to: &output)
        try begin(.decode, at: end, to: &output)
      }
      let produced = row.kvLength.value - request.promptTokens.value + 1
      if produced >= request.outputTokens.value { try self.end(at: end, to: &output) }
    }

    private func mark(
      _ kind: String, _ phase: Phase, at time: Nanoseconds, to output: inout BufferedOutput
    ) throws {
      try TimelineExport.event(
        kind, phase.rawValue, TimelineExport.requestsProcess, at: time, to: &output)
      try output.append(
        ", \"cat\": \"request\", \"id\": \(request.id.rawValue)")
      if kind == "b", phase == .waiting {
        try output.append(
          ", \"args\": {\"prompt_tokens\": \(request.promptTokens.rawValue), "
            + "\"output_tokens\": \(request.outputTokens.rawValue)}")
      }
      try output.append("}")
    }
  }
}
