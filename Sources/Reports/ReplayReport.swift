public import EngineSimulation
public import StepTiming
public import TraceModel

/// Which batches a replay executed.
public enum BatchSource: String, Sendable, CaseIterable {
  /// Those of the trace; only how long each step takes changes.
  case recorded
  /// Those that a model of the scheduler forms from the trace's arrivals.
  case rescheduled
}

/// Everything that one `replay` says, before it is put in words or JSON.
public struct ReplayReport: Sendable {
  /// What was replayed.
  public var trace: TraceDescription
  /// Which batches.
  public var batches: BatchSource
  /// Where step times come from.
  public var timing: TimingDescription
  /// The engine, recorded or modelled, in words.
  public var engine: String
  /// The GPU's name.
  public var machine: String
  /// What the user should know before reading the numbers.
  public var notes: [String]
  /// One summary a policy, in the order asked for.
  public var policies: [PolicySummary]
  /// Every policy but the first against the first.
  public var comparisons: [PolicyComparison]
  /// Which rule is the fastest; `nil` where there is but one with times.
  let standing: RuleStanding?
  /// How far two real runs of the same work are apart, where that was measured.
  public var floor: NoiseFloor?
  /// Further replays of each policy, with moved arrivals.
  public var jitteredReplays: Int
  /// By policy, how its batches depart from the recorded ones; empty where they were not compared.
  public var divergence: [SchedulerDivergence]
  /// By policy, which batches carry what it loses; `nil` where its steps were not kept.
  public var attributions: [RegretAttribution?]
  /// Whether it is known which step gave which tokens; with speculative decoding it is not.
  public var knowsGaps = true
  /// Kernels of which the fastest for each batch is what regret is measured against, by name.
  public var fastestOf: [String]
  /// Where batches are recorded: by policy, what callers would see if a model of the scheduler formed
  /// batches from the same arrivals; empty where that was not replayed.
  public var rescheduled: [CallerTimes]

  /// A report of outcomes.
  ///
  /// - `outcomes`: in the order asked for; the first is what the others are compared with
  /// - `seed`: of the bootstrap
  /// - `divergence`: one a policy, or none
  /// - `fastestOf`: names of the kernels that regret is measured against
  /// - `rescheduled`: what callers see with batches formed anew, one a policy, or none
  public init(
    trace: TraceDescription, batches: BatchSource, timing: TimingDescription, engine: String,
    machine: String, notes: [String] = [], outcomes: [PolicyOutcome], seed: UInt64,
    floor: NoiseFloor? = nil, divergence: [SchedulerDivergence] = [], fastestOf: [String] = [],
    rescheduled: [CallerTimes] = []
  ) {
    precondition(
      divergence.isEmpty || divergence.count == outcomes.count, "one divergence a policy, or none")
    precondition(
      rescheduled.isEmpty || rescheduled.count == outcomes.count, "one replay a policy, or none")
    self.fastestOf = fastestOf
    self.rescheduled = rescheduled
    self.trace = trace
    self.batches = batches
    self.timing = timing
    self.engine = engine
    self.machine = machine
    self.notes = notes + [Self.launchNote(outcomes)].compactMap(\.self)
    policies = outcomes.map { $0.summary }
    comparisons = outcomes.dropFirst().flatMap { other in
      PolicyComparison.all(of: other, against: outcomes[0], seed: seed, floor: floor)
    }
    standing = RuleStanding(outcomes, seed: seed, floor: floor)
    self.floor = floor
    jitteredReplays = outcomes.first?.jittered.count ?? 0
    self.divergence = divergence
    attributions = outcomes.map { policy in
      policy.steps.map { RegretAttribution(of: $0.entries, in: policy.outcome, seed: seed) }
    }
  }
}

/// A policy's replay together with what its callers saw.
public struct PolicyOutcome: Sendable {
  /// The policy's name.
  public let name: String
  /// The replay.
  public let outcome: ReplayOutcome
  /// What each request's caller saw, in the trace's order.
  public let times: [RequestTimes]
  /// The replay condensed.
  public let summary: PolicySummary
  /// The batches that a rescheduled replay formed, where they were kept.
  public let batches: BatchSequence?
  /// What callers saw in further replays, with moved arrivals.
  public let jittered: [CallerTimes]
  /// Every step, where the replay kept them.
  public let steps: StepRecord?

  /// Condenses a replay; the costly part of a report, and independent of other policies.
  ///
  /// - `batches`: those that the replay formed, if they are to be compared
  /// - `jittered`: what callers saw in further replays, with moved arrivals
  /// - `steps`: what each step executed, for `StepTable`
  public init(
    name: String, outcome: ReplayOutcome, variants: VariantUse,
    batches: BatchSequence? = nil, jittered: [CallerTimes] = [],
    steps: StepRecord? = nil
  ) {
    self.name = name
    self.jittered = jittered
    self.batches = batches
    self.outcome = outcome
    self.steps = steps
    times = outcome.requests.map { RequestTimes($0, outputs: outcome.outputs) }
    summary = PolicySummary(name: name, outcome: outcome, times: times, variants: variants)
  }
}

/// What a report says of its trace.
public struct TraceDescription: Hashable, Sendable {
  /// The trace as the call named it.
  public var name: String
  /// Requests replayed.
  public var requests: Int
  /// Their prompt tokens.
  public var promptTokens: Int
  /// Output tokens that they ask for.
  public var outputTokens: Int
  /// From the first arrival to the last.
  public var arrivalSpan: Nanoseconds
  /// What was chosen of the trace, such as `arrivals from 10 s to 20 s`, or `steps`; empty for all of it.
  public var selection: String

  /// A description of the requests that are replayed.
  public init(name: String, requests: [TraceRequest], selection: String = "") {
    self.name = name
    self.requests = requests.count
    promptTokens = requests.reduce(0) { $0 + $1.promptTokens.value }
    outputTokens = requests.reduce(0) { $0 + $1.outputTokens.value }
    let arrivals = requests.map(\.arrival)
    arrivalSpan = (arrivals.max() ?? .zero) - (arrivals.min() ?? .zero)
    self.selection = selection
  }
}

/// What a report says of its step times.
public struct TimingDescription: Hashable, Sendable {
  /// How far a fit was from data that it had not seen.
  public struct HeldOutError: Hashable, Sendable {
    /// What was fitted, such as `triton-2d`.
    public var part: String
    /// Quantiles of its absolute relative errors.
    public var error: FitError

    /// An error of one part.
    public init(part: String, error: FitError) {
      self.part = part
      self.error = error
    }
  }

  /// Kernels executed, or a fitted profile.
  public var source: TimingSource
  /// Where attention times come from, in words.
  public var attention: String
  /// Where the rest of each step comes from, in words.
  public var rest: String
  /// The held-out errors of what was fitted; empty where every kernel was executed.
  public var errors: [HeldOutError]
  /// What was estimated among the times of measured kernels; `nil` where nothing was.
  public var estimates: EstimatedShare?

  /// A description of where times come from.
  public init(
    source: TimingSource, attention: String, rest: String, errors: [HeldOutError] = []
  ) {
    self.source = source
    self.attention = attention
    self.rest = rest
    self.errors = errors
  }
}
