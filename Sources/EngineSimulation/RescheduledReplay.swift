import KernelSelection
public import StepTiming
public import TraceModel

/// Replays arrivals: a model of the engine's scheduler forms new batches as virtual time passes.
///
/// Holds what all policies share; `run` may be called once for each of them, from several threads.
/// Requests of the same arrival keep the order in which a recording first scheduled them, where
/// there is one, or that of the trace. The same input gives the same outcome on every machine.
///
/// A request with no prompt or no output is served as one of a single token, since the engine knows
/// no less.
public struct RescheduledReplay: Sendable {
  /// The engine modelled.
  public let engine: EngineModel
  /// What its host adds to each step.
  public let host: HostTiming

  /// Where in the spread of launches the replay begins.
  private let launchesBefore: Int
  private let traceRequests: [TraceRequest]
  private let requests: [SchedulerRequest]
  private let prefixes: PrefixIdentities?
  /// Places of the requests that can be served, in order of arrival.
  private let arrivals: [Int32]
  /// Places of those that cannot.
  private let refused: [Int]

  /// Prepares the replay of some requests.
  ///
  /// `prefixBlockTokens` is the granularity of their `prefixBlocks`, `nil` where prefixes are
  /// unknown. `precedence` has a number for each request, which decides between equal arrivals: the
  /// lower is first. `recordedHits` has for each request how many tokens a recorded engine found in its
  /// prefix cache; they are found again where prefixes are unknown and the engine has such a cache, and
  /// their blocks then count for each request. Another `launchesBefore` meets what steps in pieces and their
  /// launches differ by in another order. The engine must be within `EngineLimits`.
  public init(
    requests: [TraceRequest], prefixBlockTokens: Int?, precedence: [Int32]? = nil,
    recordedHits: [TokenCount]? = nil, engine: EngineModel, host: HostTiming,
    launchesBefore: Int = 0
  ) {
    precondition(precedence.map { $0.count == requests.count } ?? true)
    precondition(recordedHits.map { $0.count == requests.count } ?? true)
    precondition(engine.outOfBounds == nil, "the engine is outside EngineLimits")
    self.engine = engine
    self.host = host
    self.launchesBefore = launchesBefore
    traceRequests = requests
    let fitting = requests.map { engine.canServe($0) }
    let prefixes =
      engine.prefixCaching
      ? PrefixIdentities(
        requests: requests, prefixBlockTokens: prefixBlockTokens, kvBlockSize: engine.kvBlockSize)
      : nil
    let hits = engine.prefixCaching && prefixes == nil ? recordedHits : nil
    self.requests = requests.indices.map { place in
      fitting[place]
        ? SchedulerRequest(requests[place], hits: hits?[place] ?? .zero)
        : SchedulerRequest(promptTokens: 1, outputTokens: 1)
    }
    refused = fitting.indices.filter { !fitting[$0] }
    arrivals = fitting.indices.filter { fitting[$0] }
      .sorted {
        (requests[$0].arrival, precedence?[$0] ?? 0, $0)
          < (requests[$1].arrival, precedence?[$1] ?? 0, $1)
      }
      .map { Int32($0) }
    self.prefixes = prefixes
  }

  /// Runs the trace to its end with the step times of `timer`.
  public func run<Timer: StepTimer>(
    _ timer: inout Timer, progress: (ReplayProgress) -> Void = { _ in }
  ) throws(TimingError) -> ReplayOutcome {
    var observer = NoStepObserver()
    return try run(&timer, observer: &observer, progress: progress)
  }

  /// Runs the trace to its end and shows every step to an observer.
  public func run<Timer: StepTimer, Observer: StepObserver>(
    _ timer: inout Timer, observer: inout Observer,
    progress: (ReplayProgress) -> Void = { _ in }
  ) throws(TimingError) -> ReplayOutcome {
    var ledger = RequestLedger(requests: traceRequests)
    for place in refused { ledger.refuse(place) }
    var scheduler = Scheduler(
      engine: engine, requests: requests, prefixes: prefixes, ledger: ledger)
    scheduler.keepsRows = Observer.wantsSteps || engine.rules.hasPersistentBatch
    var run = RescheduledRun(
      scheduler: scheduler,
      timeline: EngineTimeline(
        asynchronous: engine.asyncScheduling, host: host, pieceLaunches: launchesBefore),
      arrivals: arrivals, times: arrivals.map { traceRequests[Int($0)].arrival }, host: host)
    timer.begin(afterLaunches: launchesBefore)
    while run.schedule() {
      if run.batch.summary.rows > 0 {
        if run.rested > .zero { timer.pause(for: run.rested) }
        let time = try timer.time(of: &run.batch)
        run.begin(time, observes: Observer.wantsSteps)
        if run.progress.steps % ReplayProgress.interval == 0 { progress(run.progress) }
      }
      if run.mustComplete { run.complete(observer: &observer) }
    }
    progress(run.progress)
    return run.finishedOutcome()
  }
}

extension EngineModel {
  /// Whether a request fits the model's context and, alone, the KV pool.
  ///
  /// The last token is never computed on, so it needs no place in the pool.
  public func canServe(_ request: TraceRequest) -> Bool {
    let tokens =
      max(1, request.promptTokens.value) + max(1, request.outputTokens.value)
    return tokens <= min(model.maxModelLength, Int(Int32.max))
      && (tokens - 1 + kvBlockSize - 1) / kvBlockSize <= kvBlocks
  }
}

extension SchedulerRequest {
  /// At least one token is always computed, so that there is something to sample from.
  fileprivate init(_ request: TraceRequest, hits: TokenCount) {
    let prompt = max(1, request.promptTokens.rawValue)
    self.init(
      promptTokens: prompt, outputTokens: max(1, request.outputTokens.rawValue),
      recordedHits: min(max(0, hits.rawValue), prompt - 1))
  }
}
