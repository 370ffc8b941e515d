import TraceFile
import TraceModel

/// When a real engine gave each token, from a recording of it.
struct RecordedRun {
  /// The trace's header.
  let header: TraceHeader
  /// Its requests.
  let requests: [TraceRequest]
  /// When each request's tokens were processed, in order.
  private(set) var tokens: [[Nanoseconds]]

  /// Reads a recording; steps without an output time give no token.
  init(path: String) throws {
    let reader = try TraceReader(path: path)
    header = reader.header
    requests = try reader.requests()
    tokens = requests.map { _ in [] }
    var steps = try reader.steps()
    var step = TraceStep()
    while try steps.next(into: &step) {
      guard let output = step.output else { continue }
      for row in step.rows {
        let place = Int(row.request)
        guard requests.indices.contains(place) else { continue }
        // A preempted request repeats rows that gave tokens already.
        let produced = row.kvLength.value - requests[place].promptTokens.value + 1
        if produced > tokens[place].count { tokens[place].append(output) }
      }
    }
  }

  /// Milliseconds from arrival until a request has so many tokens; `nil` where it has fewer.
  func latency(request: Int, tokens count: Int) -> Double? {
    guard count > 0, tokens[request].count >= count else { return nil }
    return (tokens[request][count - 1] - requests[request].arrival).milliseconds
  }

  /// The mean gap over a request's first tokens, in milliseconds; `nil` where it has fewer.
  func meanGap(request: Int, tokens count: Int) -> Double? {
    guard count > 1, tokens[request].count >= count else { return nil }
    let span = tokens[request][count - 1] - tokens[request][0]
    return span.milliseconds / Double(count - 1)
  }

  /// Mean TTFT over requests with a token, in milliseconds.
  var meanTTFT: Double? {
    let times = requests.indices.compactMap { latency(request: $0, tokens: 1) }
    return times.isEmpty ? nil : times.reduce(0, +) / Double(times.count)
  }

  /// Mean over all gaps, in milliseconds.
  var meanITL: Double? {
    var total = 0.0
    var count = 0
    for times in tokens where times.count > 1 {
      total += (times[times.count - 1] - times[0]).milliseconds
      count += times.count - 1
    }
    return count == 0 ? nil : total / Double(count)
  }
}
