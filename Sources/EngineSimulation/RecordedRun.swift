import StepTiming
import TraceModel

/// The new times of recorded steps under one policy.
struct RecordedRun {
  private var timeline: EngineTimeline
  private let host: HostTiming
  private var outcome = ReplayOutcome()
  private var scheduled: [Nanoseconds?]

  init(asynchronous: Bool, host: HostTiming, requestCount: Int) {
    timeline = EngineTimeline(asynchronous: asynchronous, host: host)
    self.host = host
    scheduled = Array(repeating: nil, count: requestCount)
  }

  /// Adds a step that takes the GPU `time`; `arrival` is the latest of its new requests'.
  mutating func add(
    _ time: StepTime, link: RecordedLink, arrival: Nanoseconds?, newRequests: [Int32]
  ) {
    switch link {
    case .continued: break
    case .drained: drain()
    case .gap(let length):
      drain()
      timeline.pause(for: length)
    }
    var start = timeline.nextSchedule
    if let arrival { start = max(start, arrival + host.admission) }
    timeline.begin(at: start, time: time)
    outcome.add(time)
    for request in newRequests { scheduled[Int(request)] = start }
    if timeline.isFull { complete() }
  }

  private mutating func drain() {
    while timeline.inFlight > 0 { complete() }
  }

  private mutating func complete() {
    outcome.outputs.append(timeline.complete() + host.clientDelay)
  }

  /// The outcome, with the times of this policy on the requests' common outcomes.
  consuming func finishedOutcome(
    requests: [RequestOutcome], counts: ReplayCounts
  ) -> ReplayOutcome {
    drain()
    outcome.requests = requests
    for index in outcome.requests.indices { outcome.requests[index].scheduled = scheduled[index] }
    outcome.counts = counts
    return outcome
  }
}
