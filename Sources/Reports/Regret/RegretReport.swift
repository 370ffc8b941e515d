import EngineSimulation
import KernelSelection
public import Metrics
import StepTiming
import TraceModel

/// Where a policy loses against another: which batches, and what that does to TTFT and ITL.
public struct RegretReport: Sendable {
  /// Means of a metric under both policies, in milliseconds; `nil` where nothing has such a time.
  public struct Means: Sendable {
    /// Under the policy.
    public var policy: Double?
    /// Under the other.
    public var other: Double?
    /// The policy's against the other's, paired by request; `nil` for too few requests.
    public var paired: PairedDifference?

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
  /// What the steps cost above the other policy's, and which classes of them carry it.
  public var attribution: RegretAttribution
  /// Mean TTFT under both.
  public var ttft: Means
  /// Mean ITL under both.
  public var itl: Means
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
    let compared = PolicyComparison.all(of: policy, against: other, seed: seed, floor: nil)
    (ttft, itl) = (
      Means(
        policy: policy.summary.ttft?.mean, other: other.summary.ttft?.mean,
        paired: compared.first { $0.metric == .ttft }?.difference),
      Means(
        policy: policy.summary.itl?.mean, other: other.summary.itl?.mean,
        paired: compared.first { $0.metric == .itl }?.difference)
    )
    attribution = RegretAttribution(of: timer.steps, in: policy.outcome, seed: seed)
    let places = Dictionary(
      uniqueKeysWithValues: attribution.groups.enumerated().map { ($1.group, $0) })
    worst = timer.worst.sorted { a, b in
      let groups = [a, b].map { places[BatchGroup(BatchShape($0.time.batch))] ?? .max }
      return groups[0] < groups[1]
    }
  }
}
