public import TraceModel

/// Writes a trace as `engine-step-log/1`: one JSON object a line, without white space.
///
/// A log written by Python's `json.dumps(…, separators=(",", ":"))` comes back byte for byte, as long
/// as its keys are in the canonical order: numbers are printed as `repr` prints the same float. Times
/// keep every nanosecond that they have. The caller writes the buffer out and empties it as it likes.
public struct StepLogWriter: Sendable {
  private var ids: [RequestID] = []

  /// A writer at the start of a log.
  public init() {}

  /// Appends the header's line; a header that names no schema gets this one's.
  public func append(_ header: TraceHeader, to bytes: inout [UInt8]) {
    var members: [JSONValue.Member] = [.init("kind", .string("header"))]
    if header["schema"] == nil { members.append(.init("schema", .string(StepLogReader.schema))) }
    members += header.members.filter { $0.key != "kind" }
    JSONValue.object(members).append(to: &bytes)
    bytes.append(0x0A)
  }

  /// Appends a request's line and gives the request the next place for the rows of later steps.
  public mutating func append(_ request: TraceRequest, to bytes: inout [UInt8]) {
    ids.append(request.id)
    bytes.write(#"{"kind":"request","id":"#)
    bytes.write(request.id.rawValue)
    bytes.write(#","arrival":"#)
    bytes.writeDecimal(request.arrival.rawValue, scale: 9)
    bytes.write(#","prompt_tokens":"#)
    bytes.write(Int64(request.promptTokens.rawValue))
    bytes.write(#","output_tokens":"#)
    bytes.write(Int64(request.outputTokens.rawValue))
    bytes.writeCount(#","output_limit":"#, request.outputLimit?.rawValue)
    if !request.prefixBlocks.isEmpty {
      bytes.writeList(#","prefix_blocks":["#, request.prefixBlocks) { $1.write(magnitude: $0) }
    }
    bytes.write("}\n")
  }

  /// Appends a step's line; its rows name requests appended before, anything else is a bug.
  public func append(_ step: borrowing TraceStep, to bytes: inout [UInt8]) {
    bytes.write(#"{"kind":"step","step":"#)
    bytes.write(step.number)
    bytes.writeSeconds(#","schedule_start":"#, step.scheduleStart)
    bytes.writeSeconds(#","schedule_end":"#, step.scheduleEnd)
    bytes.writeSeconds(#","output":"#, step.output)
    bytes.writeMillis(#","gpu_ms":"#, step.gpuTime)
    bytes.writeMillis(#","forward_ms":"#, step.forwardTime)
    bytes.writeCount(#","waiting":"#, step.waiting)
    bytes.writeCount(#","running":"#, step.running)
    bytes.writeCount(#","free_kv_blocks":"#, step.freeKVBlocks)
    bytes.writeList(#","batch":["#, step.rows) { row, bytes in
      bytes.write("[")
      bytes.write(ids[Int(row.request)].rawValue)
      bytes.write(",")
      bytes.write(Int64(row.computed.rawValue))
      bytes.write(",")
      bytes.write(Int64(row.queryLength.rawValue))
      bytes.write("]")
    }
    writePlaces(#","preempted":["#, step.preempted, to: &bytes)
    writePlaces(#","finished":["#, step.finished, to: &bytes)
    bytes.write("}\n")
  }

  /// Appends a gap's line.
  public func append(_ gap: TraceGap, to bytes: inout [UInt8]) {
    bytes.write(#"{"kind":"gap","after_step":"#)
    bytes.write(gap.afterStep)
    bytes.write(#","dropped_steps":"#)
    bytes.write(gap.droppedSteps)
    bytes.write("}\n")
  }

  private func writePlaces(_ key: StaticString, _ places: [Int32], to bytes: inout [UInt8]) {
    guard !places.isEmpty else { return }
    bytes.writeList(key, places) { place, bytes in bytes.write(ids[Int(place)].rawValue) }
  }
}
