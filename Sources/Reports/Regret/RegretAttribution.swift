import EngineSimulation
public import Metrics
public import TraceModel

/// What a policy's steps cost above the fastest, or above another policy, and which classes of batches
/// carry it.
public struct RegretAttribution: Sendable {
  /// Batches of one class, together.
  public struct Class: Sendable {
    /// The class in words.
    public var name: String
    /// Steps with such a batch.
    public var steps = 0
    /// Their attention under the policy.
    public var attention = Nanoseconds.zero
    /// Their attention above the other's.
    public var regret = Nanoseconds.zero
    /// Their part in mean TTFT, in milliseconds, with its interval.
    public var ttft = SummedParts.Part.zero
    /// Their part in mean ITL, in milliseconds, with its interval.
    public var itl = SummedParts.Part.zero
  }

  /// Classes along one dimension.
  public struct Breakdown: Sendable {
    /// What is told apart.
    public var name: String
    /// The classes that have steps, in order.
    public var classes: [Class]
  }

  /// All steps together.
  public var all: Class
  /// The steps in which the policy is slower.
  public var slowerSteps: Int
  /// Attention against the other's, over steps; `nil` for too few steps.
  public var difference: PairedDifference?
  /// All steps by kind, then along each dimension.
  public var breakdowns: [Breakdown]
  /// Groups of similar batches in which the policy is ever slower, most regret first.
  public var groups: [(group: BatchGroup, class: Class)]

  /// The attribution of a replay's steps.
  ///
  /// - `steps`: as many as the outcome has, in order
  /// - `seed`: of the intervals, which are drawn over blocks of consecutive steps
  init(of steps: [some AttributedStep], in outcome: ReplayOutcome, seed: UInt64) {
    difference = PairedDifference.bootstrap(
      a: steps.map { ($0.attention - $0.regret).milliseconds },
      b: steps.map(\.attention.milliseconds), seed: seed)
    slowerSteps = steps.count { $0.regret > .zero }
    let weights = StepWeights(outcome, gpu: steps.map(\.gpu))
    let tally = Tally(steps: steps, weights: weights, seed: seed)
    all = tally.classes(["all"]) { _ in 0 }[0]
    breakdowns =
      [
        tally.breakdown("kind of batch", BatchKind.allCases.map(\.rawValue)) { group in
          BatchKind.allCases.firstIndex(of: group.kind) ?? 0
        }
      ]
      + BatchDimension.allCases.map { dimension in
        tally.breakdown(dimension.rawValue, (0..<dimension.count).map(dimension.words)) { group in
          group.place(along: dimension)
        }
      }
    let slower = zip(steps, tally.groups).filter { $0.0.regret > .zero }
    let found = Set(slower.map(\.1)).sorted()
    let places = Dictionary(uniqueKeysWithValues: found.enumerated().map { ($1, $0) })
    groups = zip(found, tally.classes(found.map(\.words)) { places[$0] ?? -1 })
      .map { (group: $0, class: $1) }
      .sorted { ($1.class.regret, $0.group) < ($0.class.regret, $1.group) }
  }
}

/// One executed step, as far as its part in a difference goes.
protocol AttributedStep {
  /// What its batch looks like.
  var shape: BatchShape { get }
  /// Attention under the policy.
  var attention: Nanoseconds { get }
  /// Attention above the other's, or above the fastest known variant's.
  var regret: Nanoseconds { get }
  /// GPU time under the policy.
  var gpu: Nanoseconds { get }
}

extension RegretStep: AttributedStep {
  var shape: BatchShape { BatchShape(batch) }
}

extension StepRecord.Entry: AttributedStep {
  var shape: BatchShape {
    BatchShape(
      rows: Int(rows), multiTokenRows: Int(multiTokenRows), maxQueryLength: Int(maxQueryLength),
      maxKVLength: Int(maxKVLength), totalKVLength: Int(totalKVLength))
  }
  var gpu: Nanoseconds { attention + rest }
}

/// Sums over steps, by class.
private struct Tally<Step: AttributedStep> {
  let steps: [Step]
  /// Each step's group.
  let groups: [BatchGroup]
  /// Each step's part in mean TTFT and ITL, in milliseconds.
  let ttft: [Double]
  let itl: [Double]
  let seed: UInt64

  init(steps: [Step], weights: StepWeights, seed: UInt64) {
    self.steps = steps
    groups = steps.map { BatchGroup($0.shape) }
    self.seed = seed
    ttft = zip(steps, weights.waits).map { step, waits in
      step.regret.milliseconds * waits / Double(max(1, weights.waitCount))
    }
    itl = zip(steps, weights.gaps).map { step, gaps in
      step.regret.milliseconds * gaps / Double(max(1, weights.gapCount))
    }
  }

  /// One class a name; `place` tells the class of a group, below zero for none.
  func classes(_ names: [String], place: (BatchGroup) -> Int) -> [RegretAttribution.Class] {
    let owners = groups.map(place)
    var sums = names.map { RegretAttribution.Class(name: $0) }
    for (step, owner) in zip(steps, owners) where owner >= 0 {
      sums[owner].steps += 1
      sums[owner].attention += step.attention
      sums[owner].regret += step.regret
    }
    let waits = SummedParts(of: ttft, owners: owners, parts: names.count, seed: seed).parts
    let gaps = SummedParts(of: itl, owners: owners, parts: names.count, seed: seed).parts
    for part in sums.indices {
      sums[part].ttft = waits[part]
      sums[part].itl = gaps[part]
    }
    return sums
  }

  func breakdown(
    _ name: String, _ classes: [String], _ place: (BatchGroup) -> Int
  ) -> RegretAttribution.Breakdown {
    .init(name: name, classes: self.classes(classes, place: place).filter { $0.steps > 0 })
  }
}
