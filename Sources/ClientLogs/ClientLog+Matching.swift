public import TraceModel

extension ClientLog {
  /// For each request of a trace the log's request that it is, or an error that says how one sees
  /// that the log is of another run; `nil` for those that failed at the client.
  ///
  /// Logs with ids of their own are matched by these, others by their order: the trace's by arrival,
  /// the log's by sending (for `vllm bench serve`, the order of its lists). Prompt lengths and, where
  /// every request ended well, output lengths must then agree, and so must the times between sendings.
  public func matched(to trace: [TraceRequest]) throws(ClientLogError) -> [ClientRequest?] {
    let total = requests.count + failed
    guard total == trace.count else {
      throw otherRun("\(total) requests here, \(trace.count) in the trace")
    }
    var matches = [ClientRequest?](repeating: nil, count: trace.count)
    if requests.contains(where: \.hasOwnID) {
      var places: [RequestID: Int] = [:]
      for (place, request) in trace.enumerated() { places[request.id] = place }
      for request in requests {
        guard let place = places[RequestID(request.id)] else {
          throw otherRun("request \(request.id) is not in the trace")
        }
        matches[place] = request
      }
    } else {
      let order = trace.indices.sorted { (trace[$0].arrival, $0) < (trace[$1].arrival, $1) }
      guard format == .bench || failed == 0 else {
        throw ClientLogError(
          .otherRun, source: source,
          reason: "\(failed) requests failed, and the others cannot be told apart by their order; "
            + "compare a run without failures")
      }
      for request in requests {
        matches[order[min(Int(request.id), order.count - 1)]] = request
      }
    }
    try checkLengths(matches, trace)
    try checkSendings(matches, trace)
    return matches
  }

  private func checkLengths(
    _ matches: [ClientRequest?], _ trace: [TraceRequest]
  ) throws(ClientLogError) {
    for (request, match) in zip(trace, matches) {
      guard let match else { continue }
      let prompt = request.promptTokens.value
      if let told = match.promptTokens,
        abs(told - prompt) > max(ClientLogLimits.promptTokensSlack, prompt / 50)
      {
        throw otherRun(
          "request \(request.id.rawValue) has \(told) prompt tokens here, \(prompt) in the trace")
      }
      guard match.outputTokens == request.outputTokens.value else {
        throw otherRun(
          "request \(request.id.rawValue) has \(match.outputTokens) output tokens here, "
            + "\(request.outputTokens.rawValue) in the trace")
      }
    }
  }

  /// Clocks differ, so what must agree is when requests were sent after one another.
  private func checkSendings(
    _ matches: [ClientRequest?], _ trace: [TraceRequest]
  ) throws(ClientLogError) {
    let shifts = zip(trace, matches).compactMap { request, match in
      match?.sent.map { ($0 - request.arrival).seconds }
    }.sorted()
    guard let middle = shifts.isEmpty ? nil : shifts[shifts.count / 2] else { return }
    let distances = shifts.map { ($0 - middle).magnitude }.sorted()
    let typical = distances[distances.count / 2]
    guard typical <= ClientLogLimits.sendShiftMax else {
      let tenths = Int((typical * 10).rounded())
      throw otherRun(
        "requests were sent \(tenths / 10).\(tenths % 10) s off their arrivals in the trace")
    }
  }

  private func otherRun(_ what: String) -> ClientLogError {
    ClientLogError(
      .otherRun, source: source,
      reason: "of another run than the trace: \(what); name the log of a run of this workload")
  }
}
