import TraceModel

/// Which recorded rows gave which tokens: the part of a recorded replay that all policies share.
struct RecordedTokens {
  /// What is counted over all steps.
  var counts = ReplayCounts()
  /// Requests that have their first row in the last step added.
  private(set) var newRequests: [Int32] = []
  /// Whether the engine had worked before the first step added.
  private(set) var beganLate = false

  private let requests: [TraceRequest]
  private var states: [State]
  /// The requests' outcomes, without the times at which they were scheduled, once `finish` was called.
  private(set) var outcomes: [RequestOutcome]
  private var endedCount = 0
  /// The step behind the last gap; `nil` where none is missing.
  private var lastGap: Int32?
  private let hasPrefixCache: Bool
  /// When what the recording does not show ended: requests that came before may have been computed there.
  private var hiddenUntil: Nanoseconds?
  private let beginsLate: Bool

  /// How far one request has come.
  private struct State {
    /// Tokens it has had, unknown ones included.
    var outputs: Int32 = 0
    /// Tokens of it that are in the cache after its last row.
    var computed: Int32 = 0
    /// The run of tokens under way; none where `runStart` is -1.
    var runStart: Int32 = -1
    var lastTokenStep: Int32 = -1
    var followsGap = false
    var isSeen = false
  }

  /// - `hasPrefixCache`: whether the engine can find a prompt's beginning computed
  /// - `beginsLate`: whether the engine had steps before the first that is added
  init(requests: [TraceRequest], hasPrefixCache: Bool = true, beginsLate: Bool = false) {
    self.requests = requests
    self.hasPrefixCache = hasPrefixCache
    self.beginsLate = beginsLate
    states = Array(repeating: State(), count: requests.count)
    outcomes = requests.map {
      RequestOutcome(end: .cutByWindow, arrival: $0.arrival, promptTokens: $0.promptTokens)
    }
  }

  /// Counts a step's rows.
  mutating func add(_ step: TraceStep, isAfterGap: Bool) {
    let place = Int32(counts.steps)
    if isAfterGap { lastGap = place }
    // A recording's second file goes on in the numbers of its first.
    if place == 0 { beganLate = beginsLate || step.number > 0 }
    if isAfterGap || (place == 0 && beganLate) { hiddenUntil = step.scheduleStart }
    newRequests.removeAll(keepingCapacity: true)
    for row in step.rows {
      let request = Int(row.request)
      if states[request].isSeen {
        compare(row, with: states[request].computed)
      } else {
        see(row)
      }
      states[request].computed = row.kvLength.rawValue
      addToken(of: row, place: place)
    }
    notePressure(of: step)
  }

  /// A request's first row; what of its prompt is computed already came from the prefix cache, unless
  /// the engine has none or may have computed it where the recording does not show.
  private mutating func see(_ row: StepRow) {
    let request = Int(row.request)
    states[request].isSeen = true
    newRequests.append(row.request)
    let isShown = hiddenUntil.map { requests[request].arrival > $0 } ?? true
    if hasPrefixCache, isShown, row.computed < requests[request].promptTokens {
      outcomes[request].prefixHitTokens = row.computed
      counts.prefixHitTokens += row.computed.value
    }
  }

  /// A later row: behind what was computed after a preemption, ahead of it where the cache had more.
  private mutating func compare(_ row: StepRow, with computed: Int32) {
    let ahead = Int(row.computed.rawValue - computed)
    counts.recomputedTokens += max(0, -ahead)
    if hasPrefixCache, lastGap == nil { counts.prefixHitTokens += max(0, ahead) }
  }

  private mutating func addToken(of row: StepRow, place: Int32) {
    let request = Int(row.request)
    let before = row.kvLength.rawValue - requests[request].promptTokens.rawValue
    var state = states[request]
    let wanted = requests[request].outputTokens.rawValue
    guard before >= state.outputs, state.outputs < wanted else { return }
    let unknown = min(before, wanted - 1) - state.outputs
    outcomes[request].unknownTokens += unknown
    state.outputs += unknown + 1
    let isBehindGap = lastGap.map { state.lastTokenStep < $0 } ?? false
    let isAcrossGap = before > 0 && (unknown > 0 || isBehindGap)
    if state.runStart < 0 || state.lastTokenStep != place - 1 || isAcrossGap {
      endRun(of: request, state)
      state.runStart = place
      state.followsGap = isAcrossGap
    }
    state.lastTokenStep = place
    states[request] = state
    if state.outputs == wanted {
      outcomes[request].end = .finished
      endedCount += 1
    }
  }

  private mutating func endRun(of request: Int, _ state: State) {
    guard state.runStart >= 0 else { return }
    outcomes[request].tokenRuns.append(
      TokenRun(
        firstStep: state.runStart, count: state.lastTokenStep - state.runStart + 1,
        followsGap: state.followsGap))
  }

  private mutating func notePressure(of step: TraceStep) {
    counts.preemptions += step.preempted.count
    for request in step.preempted where outcomes.indices.contains(Int(request)) {
      outcomes[Int(request)].preemptions += 1
    }
    counts.peakRunning = max(counts.peakRunning, Int(step.running ?? Int32(step.rows.count)))
    counts.peakWaiting = max(counts.peakWaiting, Int(step.waiting ?? 0))
  }

  /// How far the replay has come in recorded time.
  func progress(time: Nanoseconds) -> ReplayProgress {
    ReplayProgress(
      steps: counts.steps, endedRequests: endedCount, requests: requests.count, time: time)
  }

  /// Ends the runs of tokens under way, behind the last step.
  mutating func finish() {
    for request in states.indices { endRun(of: request, states[request]) }
  }
}
