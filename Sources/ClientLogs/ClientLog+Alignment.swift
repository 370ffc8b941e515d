import TraceModel

extension ClientLog {
  /// Each request beside the one of the trace that arrived nearest to when it was sent, of those whose
  /// lengths agree; `sent` must be known of all.
  ///
  /// - `promptSurplus`: prompt tokens that a request of the trace may have more
  func pairsByTime(with trace: [TraceRequest], promptSurplus: ClosedRange<Int>) -> Pairs {
    var pairs = Pairs(alignment: .time, count: trace.count)
    let log = requests.sortedBySending
    let order = trace.placesByArrival
    func agree(_ request: ClientRequest, _ other: TraceRequest) -> Bool {
      let more = request.promptTokens.map { other.promptTokens.value - $0 } ?? 0
      let nearest = min(max(more, promptSurplus.lowerBound), promptSurplus.upperBound)
      return request.lengthFault(as: other, promptSurplus: nearest) == nil
    }
    guard let shift = Self.clockShift(of: log, to: trace, where: agree) else { return pairs }
    let reach = Nanoseconds(Int64(ClientLogLimits.sendShiftMax * 1e9))
    var first = 0
    for request in log {
      let arrival = (request.sent ?? .zero) - shift
      while first < order.count, trace[order[first]].arrival < arrival - reach { first += 1 }
      var best: (place: Int, distance: Nanoseconds)?
      for place in order[first...] {
        let distance = trace[place].arrival - arrival
        if distance > reach { break }
        let magnitude = max(distance, .zero - distance)
        guard pairs.requests[place] == nil, agree(request, trace[place]),
          best.map({ magnitude < $0.distance }) ?? true
        else { continue }
        best = (place, magnitude)
      }
      if let best { pairs.requests[best.place] = request }
    }
    return pairs
  }

  /// How far the log's clock is ahead of the trace's.
  ///
  /// It is what most pairs of requests whose lengths agree say together; the least such where several are
  /// as many, so that what the trace has more comes before, as warm-ups do.
  private static func clockShift(
    of log: [ClientRequest], to trace: [TraceRequest],
    where agree: (ClientRequest, TraceRequest) -> Bool
  ) -> Nanoseconds? {
    let count = max(1, min(log.count, ClientLogLimits.alignmentVotesMax / max(1, trace.count)))
    var shifts: [Nanoseconds] = []
    for index in 0..<count {
      let request = log[index * log.count / count]
      for other in trace where agree(request, other) {
        shifts.append((request.sent ?? .zero) - other.arrival)
      }
    }
    shifts.sort()
    let width = Nanoseconds(ClientLogLimits.alignmentWindowNanoseconds)
    var best = 0..<0
    var start = 0
    for end in shifts.indices {
      while shifts[end] - shifts[start] > width { start += 1 }
      if end + 1 - start > best.count { best = start..<(end + 1) }
    }
    return best.isEmpty ? nil : shifts[best.lowerBound + best.count / 2]
  }
}
