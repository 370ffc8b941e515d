import EngineSimulation
import KernelSelection
public import Metrics
import StepTiming
public import TraceModel

/// Where a policy loses against another: which batches, and what that does to TTFT and ITL.
public struct RegretReport: Sendable {
  /// Batches of one class, together.
  public struct Class: Sendable {
    /// The class in words.
    public var name: String
    /// Steps with such a batch.
    public var steps = 0
    /// Their attention under the policy.
    public var attention = Nanoseconds.zero
    /// Their attention above the other policy's.
    public var regret = Nanoseconds.zero
    /// Their part in mean TTFT, in milliseconds.
    public var ttft = 0.0
    /// Their part in mean ITL, in milliseconds.
    public var itl = 0.0
  }

  /// Classes along one dimension.
  public struct Breakdown: Sendable {
    /// What is told apart.
    public var name: String
    /// The classes that have steps, in order.
    public var classes: [Class]
  }

  /// Means under both policies, in milliseconds; `nil` where nothing has such a time.
  public struct Means: Hashable, Sendable {
    /// Under the policy.
    public var policy: Double?
    /// Under the other.
    public var other: Double?

    /// The policy's above the other's.
    public var difference: Double? {
      guard let policy, let other else { return nil }
      return policy - other
    }
  }

  /// The trace.
  public var trace: TraceDescription
  /// Which batches were executed.
  public var batches: BatchSource
  /// Where step times come from.
  public var timing: TimingDescription
  /// The engine in words.
  public var engine: String
  /// What the reader should know.
  public var notes: [String]
  /// The policy looked at.
  public var policy: String
  /// What it is held against.
  public var other: String
  /// All steps together.
  public var all: Class
  /// The steps in which the policy is slower.
  public var slowerSteps: Int
  /// Attention against the other's, over steps; `nil` below two steps.
  public var difference: PairedDifference?
  /// Mean TTFT under both.
  public var ttft: Means
  /// Mean ITL under both.
  public var itl: Means
  /// All steps by kind, then along each dimension.
  public var breakdowns: [Breakdown]
  /// Groups of similar batches, most regret first.
  public var groups: [Class]
  /// The worst batch of each group, in the same order.
  public var worst: [WorstBatch]

  /// A report of one policy's replay, its steps, and another policy's replay of the same trace.
  ///
  /// - `seed`: of the interval, which is drawn over blocks of consecutive steps
  public init(
    trace: TraceDescription, batches: BatchSource, timing: TimingDescription, engine: String,
    notes: [String], policy: PolicyOutcome, other: PolicyOutcome, timer: RegretTimer, seed: UInt64
  ) {
    self.trace = trace
    self.batches = batches
    self.timing = timing
    self.engine = engine
    let overload =
      "more arrives than the engine serves under \(policy.name), so TTFT measures the trace's length"
    self.notes = notes + (policy.summary.load?.isOverloaded == true ? [overload] : [])
    self.policy = policy.name
    self.other = other.name
    ttft = Means(policy: policy.summary.ttft?.mean, other: other.summary.ttft?.mean)
    itl = Means(policy: policy.summary.itl?.mean, other: other.summary.itl?.mean)
    let steps = timer.steps
    difference = PairedDifference.bootstrap(
      a: steps.map(\.other.milliseconds), b: steps.map(\.attention.milliseconds), seed: seed)
    slowerSteps = steps.count { $0.regret > .zero }
    let tally = Tally(steps: steps, weights: StepWeights(policy.outcome, gpu: steps.map(\.gpu)))
    all = tally.all
    breakdowns =
      [
        tally.breakdown(
          "kind of batch", classes: BatchKind.allCases.map(\.rawValue),
          place: { batch in BatchKind.allCases.firstIndex(of: BatchKind(batch)) ?? 0 })
      ]
      + BatchDimension.allCases.map { dimension in
        tally.breakdown(
          dimension.rawValue, classes: (0..<dimension.count).map(dimension.words),
          place: dimension.place)
      }
    (groups, worst) = tally.groups(worst: timer.worst)
  }
}

/// Sums over steps.
private struct Tally {
  let steps: [RegretStep]
  let weights: StepWeights

  var all: RegretReport.Class {
    var sum = RegretReport.Class(name: "all")
    for step in steps.indices { add(step, to: &sum) }
    return sum
  }

  private func add(_ step: Int, to sum: inout RegretReport.Class) {
    let time = steps[step]
    sum.steps += 1
    sum.attention += time.attention
    sum.regret += time.regret
    let regret = time.regret.milliseconds
    sum.ttft += regret * weights.waits[step] / Double(max(1, weights.waitCount))
    sum.itl += regret * weights.gaps[step] / Double(max(1, weights.gapCount))
  }

  func breakdown(
    _ name: String, classes: [String], place: (BatchSummary) -> Int
  ) -> RegretReport.Breakdown {
    var sums = classes.map { RegretReport.Class(name: $0) }
    for step in steps.indices { add(step, to: &sums[place(steps[step].batch)]) }
    return .init(name: name, classes: sums.filter { $0.steps > 0 })
  }

  /// Groups with regret, most first, and the worst batch of each.
  func groups(worst: [WorstBatch]) -> ([RegretReport.Class], [WorstBatch]) {
    var places: [BatchGroup: Int] = [:]
    var sums: [RegretReport.Class] = []
    for entry in worst {
      let group = BatchGroup(entry.time.batch)
      places[group] = sums.count
      let words = zip(BatchDimension.allCases, group.places).map { dimension, place in
        switch dimension {
        case .rows: "\(dimension.words(place)) rows"
        case .longestRow: "longest \(dimension.words(place))"
        case .skew: "skew \(dimension.words(place))"
        }
      }
      sums.append(.init(name: ([group.kind.rawValue] + words).joined(separator: ", ")))
    }
    for step in steps.indices {
      if let place = places[BatchGroup(steps[step].batch)] { add(step, to: &sums[place]) }
    }
    let order = sums.indices.sorted {
      (sums[$1].regret, BatchGroup(worst[$0].time.batch))
        < (sums[$0].regret, BatchGroup(worst[$1].time.batch))
    }
    return (order.map { sums[$0] }, order.map { worst[$0] })
  }
}
