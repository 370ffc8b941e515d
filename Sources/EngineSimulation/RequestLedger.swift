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
    counts.recomputedTokens += Int(max(0, head.lost - hits))
    counts.prefixHitTokens += Int(max(0, hits - head.lost))
    guard !head.isResumed else { return }
    outcomes[Int(head.request)].scheduled = time
    outcomes[Int(head.request)].prefixHitTokens = TokenCount(hits)
  }

  /// A request loses its blocks.
  mutating func preempt(_ request: RunningRequest) {
    outcomes[Int(request.request)].preemptions += 1
    counts.preemptions += 1
  }

  /// Writes down the unbroken run of tokens that a request has had, if it had any.
  mutating func endRun(of request: RunningRequest) {
    guard request.runStart >= 0 else { return }
    outcomes[Int(request.request)].add(
      TokenRun(
        firstStep: request.runStart, count: request.lastTokenStep - request.runStart + 1))
  }

  /// A request has all of its tokens.
  mutating func finish(_ request: Int32) {
    outcomes[Int(request)].end = .finished
    endedCount += 1
  }
}

extension RequestOutcome {
  /// Adds a run, as part of the last one where no step lies between.
  ///
  /// A request may be preempted and resumed by calls of the scheduler that form no step.
  fileprivate mutating func add(_ run: TokenRun) {
    if let last = tokenRuns.last, last.firstStep + last.count == run.firstStep {
      tokenRuns[tokenRuns.count - 1].count += run.count
    } else {
      tokenRuns.append(run)
    }
  }
}
