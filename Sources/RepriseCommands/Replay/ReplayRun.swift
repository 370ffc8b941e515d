import EngineSimulation
import KernelSelection
import Metrics
import Reports
import StepTiming
import TraceFile
import TraceModel

/// Executes one replay under all of its policies.
struct ReplayRun {
  let source: ReplaySource
  let times: StepTimes
  let policies: [any SelectionPolicy]
  /// Whether outcomes carry each step, for `StepTable`.
  var keepsSteps = false
  let console: Console
  /// Further replays of each policy with moved arrivals, by as much as one run's sendings are.
  var jitter: (count: Int, amplitude: Nanoseconds, seed: UInt64)?

  /// What `fastest` chooses from, which regret is measured against beside all policies asked for, where
  /// the engine's cache is one that these kernels read.
  private static func candidates(on source: ReplaySource, _ times: StepTimes) -> [KernelVariant] {
    let oracle = (try? SelectionPolicies.named("fastest"))?.variants ?? []
    let isLatent = source.engine.attentionContext.isLatent
    return oracle.filter {
      times.attention.variants.contains($0) && $0.family.isLatent == isLatent
    }
  }

  /// Every kernel that regret is measured against: the candidates, and those of the policies.
  static func kernels(
    of policies: [any SelectionPolicy], on source: ReplaySource, _ times: StepTimes
  ) -> [KernelVariant] {
    var all = candidates(on: source, times)
    for variant in policies.flatMap(\.variants) where !all.contains(variant) { all.append(variant) }
    return all
  }

  /// The outcome under each policy, in the order of `policies`.
  func outcomes() async throws -> [PolicyOutcome] {
    let candidates = Self.candidates(on: source, times)
    let timers = try policies.map {
      try times.timer(
        for: $0, engine: source.engine, candidates: candidates, rivals: policies,
        keepsSteps: keepsSteps)
    }
    return source.batches == .recorded
      ? try recorded(timers) : try await rescheduled(timers)
  }

  /// One pass over the steps serves all policies.
  private func recorded(
    _ timers: [StepRecordingTimer<PolicyStepTimer>]
  ) throws -> [PolicyOutcome] {
    let replay = source.recordedReplay(host: times.host)
    let bar = ProgressBar("replay", on: console)
    defer { bar.finish() }
    let total = Double(max(1, source.reader.stepCount))
    var steps = try source.steps()
    var running: [any StepTimer] = timers
    let outcomes: [ReplayOutcome]
    do {
      outcomes = try replay.run(&steps, timers: &running) { progress in
        bar.update(Double(progress.steps) / total)
      }
    } catch {
      throw Self.explained(error, path: source.path)
    }
    guard outcomes.contains(where: { $0.counts.steps > 0 }) else {
      throw Self.noStep(in: source)
    }
    return zip(policies, zip(outcomes, running)).map { policy, result in
      let counted = result.1 as? StepRecordingTimer<PolicyStepTimer>
      return PolicyOutcome(
        name: policy.name, outcome: source.replayed(result.0),
        variants: counted?.use ?? VariantUse(),
        steps: counted?.record)
    }
  }

  /// Policies share nothing, so each runs on a thread of its own, as far as there are processors.
  private func rescheduled(
    _ timers: [StepRecordingTimer<PolicyStepTimer>]
  ) async throws -> [PolicyOutcome] {
    let replay = try source.rescheduledReplay(host: times.host)
    let bar = ProgressBar("replay", parts: policies.count, on: console)
    defer { bar.finish() }
    let total = Double(source.requests.count)
    if times.isMeasured {
      return try zip(policies, timers).enumerated().map { index, part in
        try outcome(of: part.0.name, place: index, replay, part.1) { progress in
          bar.update(Double(progress.endedRequests) / total, part: index)
        }
      }
    }
    return try await withThrowingTaskGroup(of: (Int, PolicyOutcome).self) { group in
      for (index, policy) in policies.enumerated() {
        let name = policy.name
        group.addTask {
          let timer = timers[index]
          let outcome = try outcome(of: name, place: index, replay, timer) { progress in
            bar.update(Double(progress.endedRequests) / total, part: index)
          }
          return (index, outcome)
        }
      }
      var outcomes: [(Int, PolicyOutcome)] = []
      for try await outcome in group { outcomes.append(outcome) }
      return outcomes.sorted { $0.0 < $1.0 }.map(\.1)
    }
  }

  /// One rescheduled replay, with its batches where they are to be compared.
  private func outcome(
    of name: String, place: Int, _ replay: RescheduledReplay,
    _ fresh: StepRecordingTimer<PolicyStepTimer>, progress: (ReplayProgress) -> Void
  ) throws -> PolicyOutcome {
    var timer = fresh
    var batches: BatchSequence?
    let outcome: ReplayOutcome
    if source.comparesBatches {
      var formed = BatchSequence()
      outcome = try replay.run(&timer, observer: &formed, progress: progress)
      batches = formed
    } else {
      outcome = try replay.run(&timer, progress: progress)
    }
    try Self.expectServed(outcome, of: source)
    return PolicyOutcome(
      name: name, outcome: outcome, variants: timer.use, batches: batches,
      jittered: try jittered(place: place, fresh), steps: timer.record)
  }

  /// What callers see when requests arrive a little otherwise; each policy and replay has its own draws.
  private func jittered(
    place: Int, _ fresh: StepRecordingTimer<PolicyStepTimer>
  ) throws -> [CallerTimes] {
    guard let jitter else { return [] }
    var all: [CallerTimes] = []
    for number in 0..<jitter.count {
      let draws = ArrivalJitter(
        amplitude: jitter.amplitude,
        seed: jitter.seed &* 1_000_003 &+ UInt64(place * Limits.jitteredReplaysMax + number))
      let replay = try source.rescheduledReplay(host: times.host, jitter: draws)
      var timer = fresh
      all.append(CallerTimes(try replay.run(&timer)))
    }
    return all
  }

  /// Refuses a replay in which the engine can serve no request.
  static func expectServed(
    _ outcome: ReplayOutcome, of source: ReplaySource
  ) throws(CommandError) {
    guard outcome.requests.allSatisfy({ $0.end == .tooLong }) else { return }
    let engine = source.engine
    throw .failed(
      "'\(source.path)': every request is too long for engine '\(engine.name)', which takes "
        + "\(engine.model.maxModelLength) tokens and holds \(engine.kvBlocks * engine.kvBlockSize); "
        + "choose another with --engine")
  }

  /// The error of a source whose steps are none, or run nothing.
  static func noStep(in source: ReplaySource) -> CommandError {
    .failed(
      source.selection.isEverything
        ? "'\(source.path)' has no step that runs a request; record one that serves some"
        : "'\(source.path)' has no step in the chosen window; widen --from and --to")
  }

  /// A recorded replay's error with the trace that it is of.
  static func explained(
    _ error: RecordedReplayError<TraceFileError>, path: String
  ) -> any Error {
    switch error {
    case .reading(let error): error
    case .timing(let error, let step):
      CommandError.failed("'\(path)', step \(step): \(error.message)")
    case .unknownRequest(let place, let step):
      CommandError.failed(
        "'\(path)', step \(step): a row of request \(place), which the trace does not list; "
          + "check the file with 'reprise trace verify'")
    }
  }
}
