public import EngineSimulation
import StepTiming
public import TraceModel

/// Where a prediction's error comes from: the terms, each in milliseconds, add up to the error.
///
/// Terms of the real run take the place of modelled ones, one after another: its batches, its
/// attention, its rest of step, each step's own GPU time, when its tokens reached its scheduler,
/// when they reached its callers. Each term is what its substitution changed.
public struct ErrorSources: Hashable, Sendable {
  /// Predicted less real.
  public var total: Double
  /// Other batches than the real engine formed.
  public var scheduling: Double
  /// GPU time that grows with attention; `nil` where the real run's GPU times are unknown.
  public var attention: Double?
  /// GPU time that does not; `nil` likewise.
  public var rest: Double?
  /// What equal launches of equal lengths vary by, which a model cannot know; `nil` likewise.
  public var variation: Double?
  /// The host: when steps are scheduled and their tokens processed.
  ///
  /// Where GPU times are unknown, what is wrong with the model's is in it, too.
  public var host: Double
  /// From the scheduler to the caller, and from the caller's clock to the trace's arrivals.
  public var client: Double

  /// The terms but for the total, with their names.
  public var terms: [(name: String, milliseconds: Double?)] {
    [
      ("scheduling", scheduling), ("attention", attention), ("rest", rest),
      ("variation", variation), ("host", host), ("client", client),
    ]
  }
}

/// A real run's own recording, from which terms are taken.
public struct RealRun: Sendable {
  private let requests: [TraceRequest]
  private let isCompared: [Bool]
  /// Its steps beside the model's.
  public let steps: [ComparedStep]
  /// By request, its times by its scheduler's clock.
  public let times: [RequestTimes]
  private let chain: [CallerTimes]

  /// Replays the recording once with each term taken from it.
  ///
  /// - `steps`: those of the recording that have rows, in order
  /// - `isCompared`: by request, whether a caller's times are known
  /// - `isRestRecorded`: whether the model's rest of step comes from a recording
  /// - `sequence`: the recording itself
  /// - `replay`: over this recording, with the host that the prediction uses
  public init<Steps: StepSequence>(
    requests: [TraceRequest], isCompared: [Bool], steps: [ComparedStep],
    isRestRecorded: Bool, sequence: inout Steps, replay: RecordedReplay
  ) throws(RecordedReplayError<Steps.Failure>) {
    self.requests = requests
    self.isCompared = isCompared
    self.steps = steps
    let split = StepErrorSplit(steps, isRestRecorded: isRestRecorded)
    var timers: [any StepTimer] = [
      ScriptedTimer(steps.map(\.model)), ScriptedTimer(steps.map(split.withoutAttentionError)),
      ScriptedTimer(steps.map(split.withoutModelError)),
      ScriptedTimer(steps.map(StepErrorSplit.recorded)),
    ]
    let outcomes = try replay.run(&sequence, timers: &timers)
    let actual = Self.actual(
      outcomes[outcomes.count - 1], steps: steps, requests: requests, host: replay.host)
    times = actual.requests.map { RequestTimes($0, outputs: actual.outputs) }
    chain = (outcomes + [actual]).map { CallerTimes($0, isCompared: isCompared) }
  }

  /// What happened: tokens at the recorded times, arrivals where they were.
  private static func actual(
    _ replayed: ReplayOutcome, steps: [ComparedStep], requests: [TraceRequest], host: HostTiming
  ) -> ReplayOutcome {
    var actual = replayed
    var last: Nanoseconds?
    for index in steps.indices where index < actual.outputs.count {
      let gap = index == 0 ? .zero : replayed.outputs[index] - replayed.outputs[index - 1]
      // The last step or two of a recording may lack theirs.
      let output =
        steps[index].output.map { $0 + host.clientDelay(ofStep: index) }
        ?? last.map { $0 + gap } ?? replayed.outputs[index]
      actual.outputs[index] = max(output, last ?? output)
      last = actual.outputs[index]
    }
    for index in actual.requests.indices {
      actual.requests[index].arrival = requests[index].arrival + host.sendDelay
    }
    return actual
  }

  /// Whether its steps' GPU times are known, by which errors of attention and rest are told apart.
  public var hasGPUTimes: Bool { steps.contains { $0.recorded != nil } }

  /// What its callers would have seen had their clocks been the scheduler's.
  public var atScheduler: CallerTimes { chain[chain.count - 1] }

  /// The sources of a prediction's error in a statistic; `nil` where one of the runs lacks it.
  ///
  /// - `predicted`: the statistic's prediction in milliseconds
  public func sources(
    of statistic: Statistic, predicted: Double?, real: CallerTimes
  ) -> ErrorSources? {
    let all = [predicted] + (chain + [real]).map { $0.value(statistic) }
    let values = all.compactMap(\.self)
    guard values.count == all.count else { return nil }
    return ErrorSources(
      total: values[0] - values[6], scheduling: values[0] - values[1],
      attention: hasGPUTimes ? values[1] - values[2] : nil,
      rest: hasGPUTimes ? values[2] - values[3] : nil,
      variation: hasGPUTimes ? values[3] - values[4] : nil, host: values[4] - values[5],
      client: values[5] - values[6])
  }
}
