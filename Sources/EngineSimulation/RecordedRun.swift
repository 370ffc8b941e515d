import StepTiming
import TraceModel

/// The new times of recorded steps under one policy.
struct RecordedRun {
  private var timeline: EngineTimeline
  private let host: HostTiming
  private var outcome = ReplayOutcome()
  private var scheduled: [Nanoseconds?]
  private var firstStart = Nanoseconds.zero

  init(asynchronous: Bool, host: HostTiming, requestCount: Int) {
    timeline = EngineTimeline(asynchronous: asynchronous, host: host)
    self.host = host
    scheduled = Array(repeating: nil, count: requestCount)
  }

  /// Adds a step that takes the GPU `time`.
  ///
  /// - `first`: when it was scheduled in the recording, if it is the first
  /// - `newRequests`: those that have their first row in it
  mutating func add(
    _ time: StepTime, link: RecordedLink, first: Nanoseconds?, newRequests: [Int32]
  ) {
    if let pause = link.pause {
      drain()
      // The next scheduling comes `scheduleDelay` after the output at the earliest.
      timeline.pause(for: max(.zero, pause - host.scheduleDelay))
    }
    let start = first ?? schedulingStart(after: link)
    if let first { firstStart = first }
    timeline.begin(at: start, time: time)
    outcome.add(time)
    for request in newRequests { scheduled[Int(request)] = start }
    if timeline.isFull { complete() }
  }

  /// As soon as the host can, and as long after the last tokens as in the recording, but not so long
  /// that a step in flight would end first: a request that came while a slow step ran must not hold a
  /// fast one up.
  private func schedulingStart(after link: RecordedLink) -> Nanoseconds {
    guard case .continued(let wait) = link, let inFlightEnd = timeline.nextOutput else {
      return timeline.nextSchedule
    }
    let asRecorded = (outcome.outputs.last ?? firstStart) + wait
    return max(timeline.nextSchedule, min(asRecorded, inFlightEnd))
  }

  private mutating func drain() {
    while timeline.inFlight > 0 { complete() }
  }

  private mutating func complete() {
    outcome.outputs.append(timeline.complete())
  }

  /// The outcome, with the times of this policy on the requests' common outcomes.
  consuming func finishedOutcome(
    of tokens: RecordedTokens, clock: RecordedClock
  ) -> ReplayOutcome {
    drain()
    let requests = tokens.outcomes
    outcome.requests = requests
    outcome.lateBegin = tokens.beganLate ? firstStart : nil
    for index in outcome.requests.indices {
      let arrival = clock.moved(requests[index].arrival, newOutputs: outcome.outputs)
      outcome.requests[index].arrival = arrival
      outcome.requests[index].scheduled = scheduled[index].map { max($0, arrival) }
    }
    outcome.counts = tokens.counts
    outcome.countFromSending(host)
    let outputs = outcome.outputs
    outcome.outputs.removeAll(keepingCapacity: true)
    for output in outputs { outcome.addOutput(output, host: host) }
    return outcome
  }
}
