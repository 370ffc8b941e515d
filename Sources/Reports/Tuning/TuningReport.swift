public import KernelSelection
public import RuleTuning
public import StepTiming
public import TraceModel

/// A tuned rule, and how it does beside others on batches that it was not tuned on.
public struct TuningReport: Sendable {
  /// Batches that a rule was tuned or judged on.
  public struct Traffic: Sendable {
    /// The trace, and which part of it.
    public var name: String
    /// Which batches: as recorded, or as formed under a policy.
    public var batches: String
    /// The batches.
    public var table: BatchTable

    /// Some traffic.
    public init(name: String, batches: String, table: BatchTable) {
      self.name = name
      self.batches = batches
      self.table = table
    }
  }

  /// Rules judged on a part of some traffic.
  public struct Judged: Sendable {
    /// The trace, and which part of it.
    public var trace: String
    /// Which of its batches.
    public var part: Part
    /// One judgement a rule: the reference, others, the tuned one, the oracle.
    public var rules: [RuleJudgement]
  }

  /// Batches that are looked at together.
  public enum Part: String, Sendable, CaseIterable {
    /// Every batch.
    case all = "all"
    /// Single-token rows, one of them of 4,096 tokens or more, or the longest twice the mean.
    case longOrSkewed = "decode, long or skewed"

    /// Tokens of the longest row from which a batch counts as long.
    static let longKVLength = 4096
    /// Longest over mean row from which a batch counts as skewed.
    static let skewMin = 2.0

    func has(_ batch: BatchSummary) -> Bool {
      switch self {
      case .all: true
      case .longOrSkewed:
        batch.isSingleTokenOnly
          && (batch.maxKVLength >= Self.longKVLength || batch.skew >= Self.skewMin)
      }
    }
  }

  /// How often a rule's line decides, and what its batches lose.
  public struct LineUse: Hashable, Sendable {
    /// Batches that it decides.
    public var batches = 0
    /// Their attention.
    public var attention = Nanoseconds.zero
    /// Their attention above the fastest variant.
    public var regret = Nanoseconds.zero
  }

  /// The tuned rule.
  public var rule: RulePolicy
  /// Its form.
  public var form: RuleForm
  /// What it could look at and choose.
  public var tuner: RuleTuner
  /// What it was tuned on.
  public var training: [Traffic]
  /// Whether it was judged on other traces than those it was tuned on.
  public var hasHeldOutTraces: Bool
  /// How it does, part by part of each trace.
  public var judged: [Judged]
  /// One entry a line of the rule, the default last, on the batches judged.
  public var uses: [LineUse]
  /// Where step times come from.
  public var timing: String
  /// What the reader should know.
  public var notes: [String]
  /// The rule as a rule file.
  public var yaml: String
  /// The rule as a Python function.
  public var python: String

  /// A report of a rule.
  ///
  /// - `others`: rules to judge beside it; the first is the reference
  /// - `seed`: of the intervals
  public init(
    rule: RulePolicy, tuner: RuleTuner, training: [Traffic], heldOut: [Traffic],
    hasHeldOutTraces: Bool, others: [any SelectionPolicy], timing: String, notes: [String],
    yaml: String, python: String, seed: UInt64
  ) throws(TuningError) {
    self.rule = rule
    self.tuner = tuner
    form = tuner.form
    self.training = training
    self.hasHeldOutTraces = hasHeldOutTraces
    self.timing = timing
    self.notes = notes
    self.yaml = yaml
    self.python = python
    judged = []
    for traffic in heldOut {
      for part in Part.allCases where traffic.table.summaries.contains(where: part.has) {
        judged.append(
          Judged(
            trace: "\(traffic.name), \(traffic.batches)", part: part,
            rules: try RuleJudgement.all(
              of: others + [rule], on: traffic.table, oracle: tuner.variants, seed: seed,
              where: part.has)))
      }
    }
    uses = Self.uses(of: rule, on: heldOut.map(\.table), oracle: tuner.variants)
  }

  private static func uses(
    of rule: RulePolicy, on tables: [BatchTable], oracle: [KernelVariant]
  ) -> [LineUse] {
    var uses = Array(repeating: LineUse(), count: rule.rules.count + 1)
    for table in tables {
      let places = oracle.compactMap { table.variants.firstIndex(of: $0) }
      for (batch, summary) in table.summaries.enumerated() {
        let line = rule.decidingRule(for: summary, in: table.context)
        let variant = line.map { rule.rules[$0].variant } ?? rule.defaultVariant
        guard let place = table.variants.firstIndex(of: variant),
          let time = table.time(batch: batch, variant: place),
          let best = table.fastest(batch: batch, among: places),
          let least = table.time(batch: batch, variant: best)
        else { continue }
        uses[line ?? rule.rules.count].batches += 1
        uses[line ?? rule.rules.count].attention += time
        uses[line ?? rule.rules.count].regret += time - least
      }
    }
    return uses
  }
}
