import TraceModel

/// Keeps the outcome of every request while the scheduler works.
///
/// A request is `cutByWindow` until something better is known of it.
struct RequestLedger {
  /// Outcomes by place in the trace.
  private(set) var outcomes: [RequestOutcome]
  /// What is counted over all requests.
  var counts = ReplayCounts()
  /// Requests that have reached their end.
  private(set) var endedCount = 0

  /// A ledger in which nothing has happened yet.
  init(requests: [TraceRequest]) {
    outcomes = requests.map {
      RequestOutcome(end: .cutByWindow, arrival: $0.arrival, promptTokens: $0.promptTokens)
    }
  }

  /// A request is refused before it starts.
  mutating func refuse(_ request: Int) {
    outcomes[request].end = .tooLong
    endedCount += 1
  }

  /// A request comes from the queue into the running list, with `hits` tokens found in the cache.
  mutating func admit(_ head: WaitingRequest, at time: Nanoseconds, hits: Int32) {
    let place = Int(head.request)
    if head.isResumed {
      counts.recomputedTokens += Int(head.lost - hits)
    } else {
      outcomes[place].scheduled = time
      outcomes[place].prefixHitTokens = TokenCount(hits)
      counts.prefixHitTokens += Int(hits)
    }
  }

  /// A request loses its blocks.
  mutating func preempt(_ request: RunningRequest) {
    outcomes[Int(request.request)].preemptions += 1
    counts.preemptions += 1
  }

  /// Writes down the unbroken run of tokens that a request has had, if it had any.
  mutating func endRun(of request: RunningRequest) {
    guard request.runStart >= 0 else { return }
    outcomes[Int(request.request)].tokenRuns.append(
      TokenRun(
        firstStep: request.runStart, count: request.lastTokenStep - request.runStart + 1))
  }

  /// A request has all of its tokens.
  mutating func finish(_ request: Int32) {
    outcomes[Int(request)].end = .finished
    endedCount += 1
  }
}
