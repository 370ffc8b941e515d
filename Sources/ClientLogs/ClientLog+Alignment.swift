import TraceModel

extension ClientLog {
  /// Each request beside the one of the trace that arrived nearest to when it was sent, of those whose
  /// lengths agree; `sent` must be known of all.
  ///
  /// - `promptSurplus`: prompt tokens that a request of the trace may have more
  func pairsByTime(with trace: [TraceRequest], promptSurplus: ClosedRange<Int>) -> Pairs {
    var pairs = Pairs(count: trace.count)
    let log = requests.sortedBySending
    var free = trace.placesByArrival
    func agree(_ request: ClientRequest, _ other: TraceRequest) -> Bool {
      let more = request.promptTokens.map { other.promptTokens.value - $0 } ?? 0
      let nearest = min(max(more, promptSurplus.lowerBound), promptSurplus.upperBound)
      return request.agrees(with: other, promptSurplus: nearest)
    }
    guard let shift = Self.clockShift(of: log, to: trace, where: agree) else { return pairs }
    let reach = Nanoseconds(Int64(ClientLogLimits.sendShiftMax * 1e9))
    // A neighbour in a burst is often alike within the tolerance, so those of the same output go first.
    var left = log
    for sameOutput in [true, false] {
      var later: [ClientRequest] = []
      var first = 0
      for request in left {
        let arrival = (request.sent ?? .zero) - shift
        while first < free.count, trace[free[first]].arrival < arrival - reach { first += 1 }
        let index = nearest(to: arrival, within: reach, of: free[first...], in: trace) { place in
          (!sameOutput || request.outputTokens == trace[place].outputTokens.value)
            && agree(request, trace[place])
        }
        if let index {
          pairs.requests[free.remove(at: index)] = request
        } else {
          later.append(request)
        }
      }
      left = later
    }
    return pairs
  }

  /// Where, in a list of places with ascending arrivals, the one stands that is nearest to a moment among
  /// those that will do.
  private func nearest(
    to moment: Nanoseconds, within reach: Nanoseconds, of places: ArraySlice<Int>,
    in trace: [TraceRequest], where willDo: (Int) -> Bool
  ) -> Int? {
    var best: (index: Int, distance: Nanoseconds)?
    for index in places.indices {
      let distance = trace[places[index]].arrival - moment
      let magnitude = max(distance, .zero - distance)
      if distance > reach { break }
      if let best, magnitude >= best.distance {
        // From here on they only grow.
        if distance >= .zero { break }
        continue
      }
      if willDo(places[index]) { best = (index, magnitude) }
    }
    return best?.index
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
