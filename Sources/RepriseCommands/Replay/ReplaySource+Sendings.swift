import TraceModel

extension ReplaySource {
  /// The requests with their arrivals moved to where a run's callers sent them.
  ///
  /// When a caller sends is an input of a run, as a trace's arrivals are. A log's clock has a zero
  /// of its own, so what is taken from it is how far each request was sent from its arrival beyond
  /// the middle one; a request of which that is not known keeps its arrival.
  ///
  /// - `sent`: for each request of the replay when it was sent, on any clock
  func requests(sent: [Nanoseconds?]) -> [TraceRequest] {
    let shifts = zip(requests, sent).map { request, sent in sent.map { $0 - request.arrival } }
    let known = shifts.compactMap(\.self).sorted()
    guard !known.isEmpty else { return requests }
    let middle = known[known.count / 2]
    return zip(requests, shifts).map { request, shift in
      var moved = request
      if let shift { moved.arrival += shift - middle }
      return moved
    }
  }
}

extension [TraceRequest] {
  /// Moves arrivals back where a request would come before one that it came after.
  ///
  /// - `others`: the same requests as they arrived
  mutating func keepOrder(of others: [TraceRequest]) {
    var latest = Nanoseconds(.min)
    for place in others.indices.sorted(by: { (others[$0].arrival, $0) < (others[$1].arrival, $1) })
    {
      latest = Swift.max(latest, self[place].arrival)
      self[place].arrival = latest
    }
  }
}
