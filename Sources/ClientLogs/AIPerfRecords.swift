internal import TraceModel

/// AIPerf's `profile_export.jsonl`: a record a line with `metadata`, `metrics` and `error`.
///
/// A metric is `{"value": …, "unit": …}`. Single gaps stand in `inter_chunk_latency`, which streaming
/// endpoints alone have; without it, a request's own mean is all that is known of its gaps. Records
/// come in the order in which requests ended, so they are sorted by when those were sent.
enum AIPerfRecords {
  static func read(_ text: ClientLogText) throws(ClientLogError) -> ClientLog {
    var log = ClientLog(source: text.source, format: .aiperf, requests: [])
    try text.forEachLine { (value, line) throws(ClientLogError) in
      let place = ClientLogPlace(source: text.source, place: "line \(line)")
      let metadata = try place.member("metadata", of: value)
      if let phase = metadata["benchmark_phase"]?.string, phase != "profiling" { return true }
      let hasError = value["error"].map { $0 != .null } ?? false
      guard !hasError, metadata["was_cancelled"]?.bool != true else {
        log.failed += 1
        return true
      }
      log.requests.append(try request(value, metadata: metadata, at: place))
      return true
    }
    log.requests.sort { ($0.sent ?? .zero, $0.id) < ($1.sent ?? .zero, $1.id) }
    for index in log.requests.indices { log.requests[index].id = Int64(index) }
    return log
  }

  private static func request(
    _ value: JSONValue, metadata: JSONValue, at place: ClientLogPlace
  ) throws(ClientLogError) -> ClientRequest {
    let metrics = try place.member("metrics", of: value)
    let start = try place.member("request_start_ns", of: metadata)
    guard case .integer(let sent) = start,
      Double(sent).magnitude <= ClientLogLimits.pointSecondsMax * 1e9
    else {
      throw place.error(
        .malformed, "'request_start_ns' is no count of nanoseconds; is this AIPerf's?")
    }
    let tokens = try place.count(
      metric(
        metrics["output_sequence_length"] != nil
          ? "output_sequence_length" : "output_token_count", of: metrics, at: place
      ).value,
      "output_sequence_length")
    let ttft = try time("time_to_first_token", of: metrics, at: place)
    var gaps: [Nanoseconds]?
    if metrics["inter_chunk_latency"] != nil {
      let metric = try metric("inter_chunk_latency", of: metrics, at: place)
      gaps = try place.lengths(metric.value, "inter_chunk_latency", unit: metric.unit)
    }
    return ClientRequest(
      id: Int64(metadata["session_num"]?.int ?? 0), sent: Nanoseconds(sent), ttft: ttft,
      gaps: gaps, e2el: try time("request_latency", of: metrics, at: place),
      promptTokens: try metrics["input_sequence_length"].map { value throws(ClientLogError) in
        try place.count(place.member("value", of: value), "input_sequence_length")
      },
      outputTokens: tokens)
  }

  private static func time(
    _ key: String, of metrics: JSONValue, at place: ClientLogPlace
  ) throws(ClientLogError) -> Nanoseconds {
    let metric = try metric(key, of: metrics, at: place)
    return try place.time(metric.value, key, unit: metric.unit)
  }

  /// A metric's value and its unit in seconds.
  private static func metric(
    _ key: String, of metrics: JSONValue, at place: ClientLogPlace
  ) throws(ClientLogError) -> (value: JSONValue, unit: Double) {
    let metric = try place.member(key, of: metrics)
    let value = try place.member("value", of: metric)
    switch metric["unit"]?.string {
    case "ns": return (value, 1e-9)
    case "us": return (value, 1e-6)
    case "ms": return (value, 1e-3)
    case "s", "sec", "tokens": return (value, 1)
    case let unit:
      throw place.error(.malformed, "'\(key)' has the unit '\(unit ?? "")'; known: ns, us, ms, s")
    }
  }
}
