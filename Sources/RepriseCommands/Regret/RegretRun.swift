import EngineSimulation
import KernelSelection
import Reports
import StepTiming
import TraceFile
import TraceModel

/// Replays a trace under a policy and under another, and looks at the policy's every step.
struct RegretRun {
  let source: ReplaySource
  let times: StepTimes
  let policy: any SelectionPolicy
  let other: any SelectionPolicy
  let console: Console

  /// Both replays, and the policy's steps.
  func outcomes() async throws -> (own: PolicyOutcome, other: PolicyOutcome, timer: RegretTimer) {
    let own = RegretTimer(
      try times.timer(for: policy, engine: source.engine, candidates: [], rivals: [other]).base,
      against: other)
    let second = try times.timer(
      for: other, engine: source.engine, candidates: [], rivals: [policy]
    ).base
    return source.batches == .recorded
      ? try recorded(own, second) : try rescheduled(own, second)
  }

  private func recorded(
    _ own: RegretTimer, _ second: PolicyStepTimer
  ) throws -> (PolicyOutcome, PolicyOutcome, RegretTimer) {
    let replay = source.recordedReplay(host: times.host)
    let bar = ProgressBar("replay", on: console)
    defer { bar.finish() }
    let total = Double(max(1, source.reader.stepCount))
    var steps = try source.steps()
    var timers: [any StepTimer] = [own, second]
    let outcomes: [ReplayOutcome]
    do {
      outcomes = try replay.run(&steps, timers: &timers) { bar.update(Double($0.steps) / total) }
        .map(source.replayed)
    } catch {
      throw ReplayRun.explained(error, path: source.path)
    }
    guard let timer = timers[0] as? RegretTimer, !timer.steps.isEmpty else {
      throw ReplayRun.noStep(in: source)
    }
    return (
      PolicyOutcome(name: policy.name, outcome: outcomes[0], variants: VariantUse()),
      PolicyOutcome(name: other.name, outcome: outcomes[1], variants: VariantUse()), timer
    )
  }

  private func rescheduled(
    _ own: RegretTimer, _ second: PolicyStepTimer
  ) throws -> (PolicyOutcome, PolicyOutcome, RegretTimer) {
    let replay = try source.rescheduledReplay(host: times.host)
    let bar = ProgressBar("replay", parts: 2, on: console)
    defer { bar.finish() }
    let total = Double(max(1, source.requests.count))
    var timer = own
    let outcome = try replay.run(&timer) { bar.update(Double($0.endedRequests) / total) }
    try ReplayRun.expectServed(outcome, of: source)
    var otherTimer = second
    let otherOutcome = try replay.run(&otherTimer) {
      bar.update(Double($0.endedRequests) / total, part: 1)
    }
    return (
      PolicyOutcome(name: policy.name, outcome: outcome, variants: VariantUse()),
      PolicyOutcome(name: other.name, outcome: otherOutcome, variants: VariantUse()), timer
    )
  }
}
