import DequeModule
import KernelSelection
import StepTiming
import TraceModel

/// The state of one rescheduled replay under way: scheduler, timeline and arrivals.
///
/// The engine's loop, as vLLM's `step_with_batch_queue` has it: take in what has arrived, schedule,
/// launch; wait for the oldest step's tokens when no more steps may be in flight, or when there was
/// nothing to schedule.
struct RescheduledRun {
  /// The batch of the last call of `schedule`, in the order of the engine's rows.
  var batch = AttentionBatch()

  private var rows: BatchRows
  private var scheduler: Scheduler
  private var timeline: EngineTimeline
  private let host: HostTiming
  /// Requests in order of arrival, their times, and the first that the engine has not seen.
  private let arrivals: [Int32]
  private let times: [Nanoseconds]
  private var nextArrival = 0
  /// When the scheduler was last called, and which step it forms next.
  private var start = Nanoseconds.zero
  private var step: Int32 = 0
  /// How long the engine had no work before that.
  private(set) var rested = Nanoseconds.zero
  private var completed: Int32 = 0
  private var outcome = ReplayOutcome()
  private var load: LoadTrendBuilder
  private var stepsInFlight = StepsInFlight()

  init(
    scheduler: Scheduler, timeline: EngineTimeline, arrivals: [Int32], times: [Nanoseconds],
    host: HostTiming
  ) {
    rows = scheduler.engine.batchRows
    self.scheduler = scheduler
    self.timeline = timeline
    self.arrivals = arrivals
    self.times = times
    self.host = host
    load = LoadTrendBuilder(arrivals: times)
  }

  /// Whether the scheduler's call left the engine with nothing to do but wait for tokens.
  var mustComplete: Bool {
    timeline.isFull || (batch.summary.rows == 0 && timeline.inFlight > 0)
  }

  /// How far the replay has come.
  var progress: ReplayProgress {
    ReplayProgress(
      steps: Int(step), endedRequests: scheduler.ledger.endedCount,
      requests: scheduler.ledger.outcomes.count, time: start)
  }

  /// Calls the scheduler as soon as there can be work; `false` when there is none left.
  mutating func schedule() -> Bool {
    start = timeline.nextSchedule
    rested = .zero
    var lastSeen = start - host.visibility
    if scheduler.isIdle {
      guard nextArrival < arrivals.count else { return false }
      let awake = max(start, times[nextArrival] + host.visibility + host.wakeUp)
      rested = awake - start
      start = awake
      lastSeen = max(lastSeen, min(start, times[nextArrival] + host.gathering))
    }
    while nextArrival < arrivals.count, times[nextArrival] <= lastSeen {
      scheduler.enqueue(arrivals[nextArrival])
      nextArrival += 1
    }
    scheduler.schedule(step: step, at: start, into: &batch)
    if rows.isPersistent, batch.summary.rows > 0 { rows.fill(&batch, with: scheduler.rows) }
    load.add(waiting: scheduler.waiting.count, at: start)
    precondition(
      batch.summary.rows > 0 || timeline.inFlight > 0 || !scheduler.preempted.isEmpty,
      "the scheduler has requests and schedules none")
    return true
  }

  /// Launches the batch, which takes the GPU `time`.
  mutating func begin(_ time: StepTime, observes: Bool) {
    timeline.begin(at: start, time: time)
    outcome.add(time)
    scheduler.ledger.counts.add(batch.summary)
    let preempted = scheduler.takePreempted()
    if observes { stepsInFlight.begin(traceStep(time, preempted: preempted), time: time) }
    step += 1
  }

  /// Processes the tokens of the oldest step in flight.
  mutating func complete<Observer: StepObserver>(observer: inout Observer) {
    let output = timeline.complete()
    outcome.addOutput(output, host: host)
    scheduler.complete(step: completed)
    completed += 1
    if Observer.wantsSteps {
      stepsInFlight.complete(at: output, finished: scheduler.finished, to: &observer)
    }
  }

  /// The outcome, once `schedule` has returned `false`.
  consuming func finishedOutcome() -> ReplayOutcome {
    outcome.requests = scheduler.ledger.outcomes
    outcome.countFromSending(host)
    outcome.counts = scheduler.ledger.counts
    if let end = outcome.outputs.last { outcome.load = load.trend(end: end) }
    return outcome
  }

  /// The step that was just scheduled, as an engine's log has it.
  private func traceStep(_ time: StepTime, preempted: [Int32]) -> TraceStep {
    TraceStep(
      number: Int64(step), scheduleStart: start, scheduleEnd: start + host.scheduleDuration,
      gpuTime: time.gpu, waiting: Int32(scheduler.waiting.count),
      running: Int32(scheduler.running.count), freeKVBlocks: Int32(scheduler.pool.freeCount),
      rows: scheduler.rows, preempted: preempted)
  }
}

extension ReplayOutcome {
  /// The next step's tokens reach their callers, no sooner than those of the step before.
  mutating func addOutput(_ output: Nanoseconds, host: HostTiming) {
    let received = output + host.clientDelay(ofStep: outputs.count)
    outputs.append(max(received, outputs.last ?? received))
    processed.append(output)
  }

  /// Callers count from when they sent, which is not after the request was scheduled.
  mutating func countFromSending(_ host: HostTiming) {
    for index in requests.indices {
      let sent = requests[index].arrival + host.sendDelay
      requests[index].arrival = min(sent, requests[index].scheduled ?? sent)
    }
  }

  /// Adds the GPU time of one step.
  mutating func add(_ time: StepTime) {
    attention += time.attention
    rest += time.rest
    regret += time.regret
    piecewiseDecodeSteps += time.hasPrompts || time.launch.isFullGraph ? 0 : 1
  }
}

extension ReplayCounts {
  /// Counts one step.
  mutating func add(_ batch: BatchSummary) {
    steps += 1
    decodeSteps += batch.isSingleTokenOnly ? 1 : 0
    rows += batch.rows
    newTokens += batch.tokens
  }
}
