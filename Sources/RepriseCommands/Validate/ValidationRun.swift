import ClientLogs
import EngineSimulation
import KernelSelection
import Metrics
import Reports
import StepTiming
import TraceFile
import TraceModel

/// Executes the replays that one validation needs.
struct ValidationRun {
  let source: ReplaySource
  let times: StepTimes
  /// The policy of the real run.
  let policy: any SelectionPolicy
  /// Replays under the policy of the trace, where that is another.
  let recorded: RecordedPolicyReplays?
  let client: ClientLog
  /// Replays with moved arrivals.
  let jitter: Int
  let seed: UInt64
  let floor: NoiseFloor

  /// Everything that the comparison says.
  ///
  /// - `path`: the real run's own recording, where the call names one
  func report(steps path: String?) throws -> ValidationReport {
    let matches = try client.matched(to: source.allRequests)
    // When callers send differs from run to run, and that is nothing to predict.
    let sent = matches.requests.map { $0?.sent }
    let isCompared = zip(matches.requests, source.requests).map { request, asked in
      request != nil && source.engine.canServe(asked)
    }
    guard isCompared.contains(true) else {
      throw CommandError.failed(
        "the modelled engine serves none of the log's requests, which are too long for it; name another with --engine"
      )
    }
    let callers = zip(matches.requests, isCompared).compactMap { request, isCompared in
      isCompared ? request.map(CallerSample.init) : nil
    }
    let isWhole = callers.count == client.requests.count && client.failed == 0
    let real = CallerTimes(callers, duration: isWhole ? client.duration : nil)
    let host = try host(ofRun: path)
    let simulated = try rescheduled(policy, isCompared: isCompared, sent, host)
    let spread = PredictionSpread(
      base: simulated.times, jittered: try jittered(policy, isCompared, sent, host, seed: seed))
    var replays = [(batches: BatchSource.rescheduled, times: simulated.times)]
    var divergence: SchedulerDivergence?
    if source.reader.stepCount > 0 {
      replays.append((batches: .recorded, times: try recordedTimes(policy, isCompared, host)))
      divergence = SchedulerDivergence(
        recorded: try source.recordedBatches(), rescheduled: simulated.batches)
    }
    var notes = self.notes(matches, isCompared, callers)
    let realRun = try recording(path, of: matches.requests, &notes)
    return ValidationReport(
      trace: TraceDescription(name: source.path, requests: source.requests),
      client: (name: client.source, format: client.format.rawValue), policy: policy.name,
      recordedPolicy: nil, batches: source.batches, timing: times.description,
      engine: source.engine.name, machine: times.gpu,
      notes: notes, real: real,
      failed: client.failed, leftOut: client.requests.count - callers.count, replays: replays,
      spread: spread, floor: floor,
      divergence: divergence, realRun: realRun,
      differences: try differences(spread, real: real, isCompared), bounds: [])
  }

  private func timer(
    _ policy: any SelectionPolicy
  ) throws(TimingError) -> StepRecordingTimer<PolicyStepTimer> {
    try times.timer(for: policy, engine: source.engine, candidates: [])
  }

  /// The host of the run that is predicted.
  ///
  /// What its process had loaded by then is an input of the run, as its sendings are.
  private func host(ofRun path: String?) throws -> HostTiming {
    guard let path, path != source.path,
      let warmUp = try ReplaySource.engine(of: TraceReader(path: path).header, trace: path).warmUp
    else { return times.host }
    return times.host(after: warmUp, of: source.engine)
  }

  /// - `sent`: when requests were sent in the run that is predicted; empty for the trace's own arrivals
  private func rescheduled(
    _ policy: any SelectionPolicy, isCompared: [Bool], _ sent: [Nanoseconds?], _ host: HostTiming,
    jitter: ArrivalJitter? = nil
  ) throws -> (times: CallerTimes, batches: BatchSequence) {
    let replay = try source.rescheduledReplay(
      host: host, sent: sent, jitter: jitter, precedence: source.precedence(sent: sent))
    var timer = try timer(policy)
    var batches = BatchSequence()
    let outcome = try replay.run(&timer, observer: &batches)
    return (times: CallerTimes(outcome, isCompared: isCompared), batches: batches)
  }

  /// The same with arrivals moved as far as real sendings were, each time by other draws.
  private func jittered(
    _ policy: any SelectionPolicy, _ isCompared: [Bool], _ sent: [Nanoseconds?], _ host: HostTiming,
    seed: UInt64
  ) throws -> [CallerTimes] {
    var all: [CallerTimes] = []
    for index in 0..<jitter {
      let jitter = ArrivalJitter(
        amplitude: floor.sendingJitter, seed: seed &* 1_000_003 &+ UInt64(index))
      all.append(
        try rescheduled(
          policy, isCompared: isCompared, sent, host, jitter: jitter
        ).times)
    }
    return all
  }

  private func recordedTimes(
    _ policy: any SelectionPolicy, _ isCompared: [Bool], _ host: HostTiming
  ) throws -> CallerTimes {
    let replay = source.recordedReplay(host: host)
    var timers: [any StepTimer] = [try timer(policy)]
    var steps = try source.reader.steps()
    do {
      return CallerTimes(try replay.run(&steps, timers: &timers)[0], isCompared: isCompared)
    } catch {
      throw ReplayRun.explained(error, path: source.path)
    }
  }

  /// The policy against the recorded one: predicted, and real as far as the trace shows it.
  private func differences(
    _ spread: PredictionSpread, real: CallerTimes, _ isCompared: [Bool]
  ) throws -> [PredictedDifference] {
    guard let recorded else { return [] }
    let (baseline, actual) = try recorded.spread(isCompared: isCompared) {
      // Another seed: two real runs are not jittered alike.
      let spread = PredictionSpread(
        base: try rescheduled(recorded.policy, isCompared: isCompared, [], times.host).times,
        jittered: try jittered(recorded.policy, isCompared, [], times.host, seed: ~seed))
      let isRecorded = source.reader.stepCount > 0
      return (
        spread,
        isRecorded ? try realRun(source.path, policy: recorded.policy).run.atScheduler : nil
      )
    }
    return Statistic.all.compactMap { statistic in
      var difference: Double?
      if let actual, let a = actual.value(statistic), let b = real.value(statistic) {
        difference = b - a
      }
      return PredictedDifference(
        statistic, policy: spread, baseline: baseline, floor: floor, real: difference)
    }
  }

  /// How long the GPU is at a step at least, since it is still being launched.
  ///
  /// How much of a prompt's launch is over before its first kernel runs is not known.
  private func gpuWait(for step: StepTime) -> Nanoseconds {
    guard !step.hasPrompts else { return .zero }
    return times.host.launch(of: step.launch, attention: step.variant.family, hasPrompts: false)
      - times.host.firstKernel
  }

  /// A real run's recording beside what the model says of its steps under a policy, and why it is no run under
  /// that policy, if it is none.
  func realRun(
    _ path: String, policy: any SelectionPolicy
  ) throws -> (run: RealRun, fault: CommandError?) {
    let run = try ReplaySource(
      path: path, batches: .recorded, engine: nil, selection: WorkloadSelection())
    let matches =
      try path == source.path && self.policy.name != policy.name
      ? run.allRequests.map { _ in true }
      : client.matched(to: run.allRequests).requests.map { $0 != nil }
    let inForce = PolicyList.recorded(header: run.reader.header)
    var timer = try times.timer(for: policy, engine: run.engine, candidates: [])
    var compared: [ComparedStep] = []
    var fault: CommandError?
    var steps = try run.reader.steps()
    var step = TraceStep()
    var batch = AttentionBatch()
    var rows = run.engine.batchRows
    while try steps.next(into: &step) {
      guard !step.rows.isEmpty else { continue }
      if let output = compared.last?.output, output < step.scheduleStart {
        timer.pause(for: step.scheduleStart - output)
      }
      rows.fill(&batch, with: step.rows)
      let kind = StepKind(batch.summary)
      if let inForce { fault = fault ?? self.fault(of: policy, beside: inForce, batch, run) }
      let model = try timer.time(of: &batch)
      compared.append(
        ComparedStep(
          kind: kind, model: model, launch: gpuWait(for: model), recorded: step.gpuTime,
          output: step.output))
    }
    let replay = run.recordedReplay(host: try host(ofRun: path))
    var sequence = try run.reader.steps()
    do {
      let real = try RealRun(
        requests: run.allRequests, isCompared: matches, steps: compared,
        isRestRecorded: times.isRestRecorded, sequence: &sequence, replay: replay)
      return (real, fault)
    } catch {
      throw ReplayRun.explained(error, path: path)
    }
  }
}

/// What other policies are compared with: replays under the trace's own, and what its run took.
///
/// Made once for all policies whose real runs served the same requests.
final class RecordedPolicyReplays {
  /// What replays gave, and the recorded run at the scheduler where the trace has steps.
  typealias Found = (spread: PredictionSpread, actual: CallerTimes?)

  let policy: any SelectionPolicy
  private var known: (isCompared: [Bool], found: Found)?

  init(_ policy: any SelectionPolicy) { self.policy = policy }

  /// What `replay` gives, or gave for the same requests.
  func spread(isCompared: [Bool], _ replay: () throws -> Found) rethrows -> Found {
    if let known, known.isCompared == isCompared { return known.found }
    let found = try replay()
    known = (isCompared, found)
    return found
  }
}

extension CallerSample {
  /// What a client's log says of one request.
  fileprivate init(_ request: ClientRequest) {
    self.init(
      sent: request.sent, ttft: request.ttft, gaps: request.gaps, e2el: request.e2el,
      tpot: request.tpot, tokens: request.outputTokens)
  }
}
