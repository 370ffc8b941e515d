public import TraceModel

/// Which of a log's requests are which of a trace.
public struct ClientLogMatches: Hashable, Sendable {
  /// For each request of the trace the log's request that it is, with the trace's number of output
  /// tokens; `nil` for those that the log has not, or that failed at the client.
  public var requests: [ClientRequest?]
  /// Requests of the log that are not in the trace, or are of other lengths there.
  public var leftOut: Int
}

extension ClientLog {
  /// Finds each request of the log in a trace, or says how one sees that the log is of another run.
  ///
  /// Logs with ids of their own are matched by these, others by when their requests were sent, and
  /// logs without such times by their order, the end of the log at the end of the trace: what comes
  /// before is a warm-up. Lengths must then agree; a request of other lengths, as of a stream that was
  /// cut short, is left out. Where that befalls more than a few, or sendings lie far off the trace's
  /// arrivals, the log is of another run.
  public func matched(to trace: [TraceRequest]) throws(ClientLogError) -> ClientLogMatches {
    let matches = pairs(with: trace)
    let surplus = Self.commonSurplus(of: matches, over: trace)
    var found = ClientLogMatches(requests: matches.requests, leftOut: 0)
    var firstFault: String?
    for (place, request) in trace.enumerated() {
      guard let match = found.requests[place] else { continue }
      if let fault = match.lengthFault(as: request, promptSurplus: surplus) {
        firstFault = firstFault ?? fault
        found.requests[place] = nil
      } else {
        found.requests[place]?.outputTokens = request.outputTokens.value
      }
    }
    let count = found.requests.count { $0 != nil }
    found.leftOut = requests.count - count
    guard isEnough(count) else {
      throw otherRun(
        firstFault ?? matches.fault
          ?? "\(found.leftOut) of \(requests.count) requests are not in it")
    }
    try checkSendings(found.requests, trace)
    return found
  }

  /// Whether so many requests that were found make the log one of this run.
  private func isEnough(_ count: Int) -> Bool {
    let missing = Double(requests.count - count)
    return count > 0 && missing <= ClientLogLimits.leftOutShareMax * Double(requests.count)
  }

  /// Requests side by side, whatever their lengths.
  private func pairs(with trace: [TraceRequest]) -> Pairs {
    if requests.contains(where: \.hasOwnID) { return pairsByID(with: trace) }
    guard requests.allSatisfy({ $0.sent != nil }) else { return pairsByPlace(with: trace) }
    guard requests.count == trace.count else {
      let asTold = pairsByTime(with: trace, promptSurplus: 0...0)
      if isEnough(asTold.requests.count { $0 != nil }) { return asTold }
      let roughly = pairsByTime(with: trace, promptSurplus: 0...ClientLogLimits.promptSurplusMax)
      let surplus = Self.commonSurplus(of: roughly, over: trace)
      return pairsByTime(with: trace, promptSurplus: surplus...surplus)
    }
    let inOrder = pairsByOrder(with: trace)
    let surplus = Self.commonSurplus(of: inOrder, over: trace)
    let agreeing = zip(trace, inOrder.requests).count { request, match in
      match?.agrees(with: request, promptSurplus: surplus) == true
    }
    guard agreeing < trace.count else { return inOrder }
    let byTime = pairsByTime(with: trace, promptSurplus: surplus...surplus)
    return byTime.requests.count { $0 != nil } > agreeing ? byTime : inOrder
  }

  private func pairsByID(with trace: [TraceRequest]) -> Pairs {
    var pairs = Pairs(count: trace.count)
    var places: [RequestID: Int] = [:]
    for (place, request) in trace.enumerated() { places[request.id] = place }
    for request in requests {
      if let place = places[RequestID(request.id)] {
        pairs.requests[place] = request
      } else {
        pairs.fault = pairs.fault ?? "request \(request.id) is not in it"
      }
    }
    return pairs
  }

  /// By places in a list, failed requests included.
  private func pairsByPlace(with trace: [TraceRequest]) -> Pairs {
    var pairs = Pairs(count: trace.count)
    let warmUps = trace.count - requests.count - failed
    guard warmUps >= 0 else {
      pairs.fault = "\(requests.count + failed) requests here, \(trace.count) in the trace"
      return pairs
    }
    let order = trace.placesByArrival
    for request in requests where order.indices.contains(warmUps + Int(request.id)) {
      pairs.requests[order[warmUps + Int(request.id)]] = request
    }
    return pairs
  }

  /// The order of sending as the order of arrival.
  private func pairsByOrder(with trace: [TraceRequest]) -> Pairs {
    var pairs = Pairs(count: trace.count)
    for (place, request) in zip(trace.placesByArrival, requests.sortedBySending) {
      pairs.requests[place] = request
    }
    return pairs
  }

  /// How many tokens the trace's prompts have more than the log's in the middle, as a chat template
  /// adds them to each.
  private static func commonSurplus(of pairs: Pairs, over trace: [TraceRequest]) -> Int {
    let surpluses = zip(trace, pairs.requests).compactMap { request, match in
      match?.promptTokens.map { request.promptTokens.value - $0 }
    }.sorted()
    guard let middle = surpluses.isEmpty ? nil : surpluses[surpluses.count / 2],
      (ClientLogLimits.promptTokensSlack + 1...ClientLogLimits.promptSurplusMax).contains(middle)
    else { return 0 }
    return middle
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

/// Requests of a log beside those of a trace, before their lengths are held to one another.
struct Pairs {
  /// By request of the trace.
  var requests: [ClientRequest?]
  /// Why some request of the log has none.
  var fault: String?

  init(count: Int) { requests = Array(repeating: nil, count: count) }
}

extension ClientRequest {
  /// Whether its lengths are those of a request of the trace, as far as both count alike.
  ///
  /// - `promptSurplus`: prompt tokens that the server added to every request
  func agrees(with request: TraceRequest, promptSurplus: Int) -> Bool {
    let (prompt, output) = (request.promptTokens.value, request.outputTokens.value)
    if let told = promptTokens,
      abs(told + promptSurplus - prompt) > max(ClientLogLimits.promptTokensSlack, prompt / 50)
    {
      return false
    }
    return abs(outputTokens - output) <= max(ClientLogLimits.outputTokensSlack, output / 50)
  }

  /// How its lengths are not those of a request of the trace; `nil` where they agree.
  ///
  /// - `promptSurplus`: prompt tokens that the server added to every request
  func lengthFault(as request: TraceRequest, promptSurplus: Int) -> String? {
    guard !agrees(with: request, promptSurplus: promptSurplus) else { return nil }
    let (prompt, output) = (request.promptTokens.value, request.outputTokens.value)
    var withOutput = self
    withOutput.outputTokens = output
    if let told = promptTokens, !withOutput.agrees(with: request, promptSurplus: promptSurplus) {
      return "request \(request.id.rawValue) has \(told) prompt tokens here, \(prompt) in the trace"
    }
    return "request \(request.id.rawValue) has \(outputTokens) output tokens here, "
      + "\(output) in the trace"
  }
}

extension [ClientRequest] {
  /// The requests in the order in which they were sent; those of one moment in the log's.
  var sortedBySending: [ClientRequest] {
    sorted { ($0.sent ?? .zero, $0.id) < ($1.sent ?? .zero, $1.id) }
  }
}

extension [TraceRequest] {
  /// Places in the order of arrival; equal arrivals in that of the trace.
  var placesByArrival: [Int] {
    indices.sorted { (self[$0].arrival, $0) < (self[$1].arrival, $1) }
  }
}
