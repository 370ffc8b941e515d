import KernelSelection
public import StepTiming
public import TraceModel

/// Why a recorded replay stopped.
public enum RecordedReplayError<Reading: Error>: Error {
  /// The steps could not be read.
  case reading(Reading)
  /// A step could not be timed; `step` is its number in the recording.
  case timing(TimingError, step: Int64)
  /// A step has a row of a request that the trace does not list.
  case unknownRequest(place: Int32, step: Int64)
}

/// Replays recorded batches: they stay as they were, and only the time of each step changes.
///
/// One pass over the steps serves any number of timers, one for each policy. Steps follow each other
/// as `EngineTimeline` says; where the engine rested in the recording (no work, or steps that are
/// missing), it rests as long. What the policies share cancels in their difference.
///
/// Arrivals move along with the steps (`RecordedClock`): a recorded batch holds who was there by
/// then, so a slower kernel must not find requests waiting that a real engine would have put into
/// other batches. How much batches would have changed is what a rescheduled replay answers.
///
/// A row gives its request a token if it reaches the end of prompt and outputs so far: a request
/// that was preempted gives none until its recomputation is past what it had. Where steps are
/// missing, the length of the next row tells how many tokens its request has had since.
public struct RecordedReplay: Sendable {
  /// Whether two steps are in flight.
  public let asynchronous: Bool
  /// What the host adds to each step.
  public let host: HostTiming

  private let requests: [TraceRequest]
  private let gaps: [TraceGap]
  private let rows: BatchRows
  private let hasPrefixCache: Bool
  private let beginsLate: Bool

  /// Prepares a replay of what an engine did.
  ///
  /// - `gaps`: those between the steps that will be read
  /// - `beginsLate`: whether the engine had steps before the first that will be read
  public init(
    requests: [TraceRequest], gaps: [TraceGap] = [], engine: EngineModel, host: HostTiming,
    beginsLate: Bool = false
  ) {
    self.init(
      requests: requests, gaps: gaps, asynchronous: engine.asyncScheduling, host: host,
      rows: engine.batchRows, hasPrefixCache: engine.prefixCaching, beginsLate: beginsLate)
  }

  /// The same of an engine of which so much is known; `rows` are those before its first step.
  public init(
    requests: [TraceRequest], gaps: [TraceGap] = [], asynchronous: Bool, host: HostTiming,
    rows: BatchRows = BatchRows(), hasPrefixCache: Bool = true, beginsLate: Bool = false
  ) {
    self.rows = rows
    self.hasPrefixCache = hasPrefixCache
    self.beginsLate = beginsLate
    self.requests = requests
    self.gaps = gaps.filter { $0.droppedSteps > 0 }.sorted { $0.afterStep < $1.afterStep }
    self.asynchronous = asynchronous
    self.host = host
  }

  /// Runs through the steps once; outcome i is that under `timers[i]`.
  public func run<Steps: StepSequence>(
    _ steps: inout Steps, timers: inout [any StepTimer],
    progress: (ReplayProgress) -> Void = { _ in }
  ) throws(RecordedReplayError<Steps.Failure>) -> [ReplayOutcome] {
    var tokens = RecordedTokens(
      requests: requests, hasPrefixCache: hasPrefixCache, beginsLate: beginsLate)
    var structure = RecordedStructure(gaps: gaps)
    var clock = RecordedClock()
    var runs = timers.map { _ in
      RecordedRun(asynchronous: asynchronous, host: host, requestCount: requests.count)
    }
    var step = TraceStep()
    var batch = AttentionBatch()
    var rows = rows
    while try next(&steps, into: &step) {
      guard !step.rows.isEmpty else { continue }
      if let row = step.rows.first(where: { !requests.indices.contains(Int($0.request)) }) {
        throw .unknownRequest(place: row.request, step: step.number)
      }
      let link = structure.link(to: step)
      tokens.add(step, isAfterGap: link.isGap)
      let first = tokens.counts.steps == 0 ? step.scheduleStart : nil
      clock.add(step, pause: link.pause ?? .zero)
      rows.fill(&batch, with: step.rows)
      // Once for all timers, and in the batch that carries the order on to the next step.
      batch.orderRows()
      tokens.counts.add(batch.summary)
      for index in timers.indices {
        if let pause = link.pause { timers[index].pause(for: pause) }
        let time: StepTime
        do {
          var padded = batch
          time = try timers[index].time(of: &padded)
        } catch {
          throw .timing(error, step: step.number)
        }
        runs[index].add(time, link: link, first: first, newRequests: tokens.newRequests)
      }
      if tokens.counts.steps % ReplayProgress.interval == 0 {
        progress(tokens.progress(time: step.scheduleStart))
      }
    }
    progress(tokens.progress(time: step.scheduleStart))
    tokens.finish()
    return runs.map { $0.finishedOutcome(of: tokens, clock: clock) }
  }

  private func next<Steps: StepSequence>(
    _ steps: inout Steps, into step: inout TraceStep
  ) throws(RecordedReplayError<Steps.Failure>) -> Bool {
    do {
      return try steps.next(into: &step)
    } catch {
      throw .reading(error)
    }
  }
}
