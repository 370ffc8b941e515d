import TestSupport
import TraceModel

@testable import TraceFile

/// What a file holds, read back whole.
struct TraceContents: Equatable {
  var header: TraceHeader
  var requests: [TraceRequest]
  var steps: [TraceStep]
  var gaps: [TraceGap]

  init(_ trace: RandomTrace) {
    header = trace.header
    requests = trace.requests
    steps = trace.steps
    gaps = trace.gaps
  }

  init(path: String) throws {
    let reader = try TraceReader(path: path)
    header = reader.header
    requests = try reader.requests()
    gaps = reader.gaps
    steps = try Self.all(reader.steps())
  }

  static func all(_ reader: TraceStepReader) throws -> [TraceStep] {
    var reader = reader
    var steps: [TraceStep] = []
    var step = TraceStep()
    while try reader.next(into: &step) { steps.append(step) }
    return steps
  }
}

extension RandomTrace {
  /// Writes the trace, requests as they become needed, in chunks of so many steps.
  func write(to path: String, stepsPerChunk: Int = .max) throws {
    var writer = try begin(path, stepsPerChunk: stepsPerChunk)
    try addRest(to: &writer)
    try writer.finish()
  }

  /// Writes the trace up to its last step and leaves it as a killed process would.
  func abandon(at path: String, stepsPerChunk: Int) throws {
    let writer = try begin(path, stepsPerChunk: stepsPerChunk)
    writer.abandon()
  }

  private func begin(_ path: String, stepsPerChunk: Int) throws -> TraceWriter {
    var writer = try TraceWriter(path: path, header: header)
    var known = 0
    for (index, step) in steps.enumerated() {
      let needed = (step.rows.map(\.request) + step.finished + step.preempted).max() ?? -1
      while known <= Int(needed) {
        try writer.append(requests[known])
        known += 1
      }
      try writer.append(step)
      if index % stepsPerChunk == stepsPerChunk - 1 { try writer.flush() }
    }
    return writer
  }

  private func addRest(to writer: inout TraceWriter) throws {
    let known = steps.flatMap { $0.rows.map(\.request) + $0.finished + $0.preempted }.max() ?? -1
    for request in requests.dropFirst(Int(known) + 1) { try writer.append(request) }
    for gap in gaps { try writer.append(gap) }
  }
}
