public import KernelSelection
public import TraceModel

/// Collects, over the steps of a recording, GPU time minus the attention of the policy in force.
///
/// One layer's attention comes from the same timing that the replay uses, so what that timing gets
/// wrong for the recorded kernel is made good in the rest, and a replay under the recorded policy
/// gives back the recorded step times. Steps are averaged over equal launches: by padded tokens for
/// graphs, by tiles of tokens for pieces.
public struct RecordedRest: Sendable {
  fileprivate struct Sum {
    var microseconds = 0.0
    var steps = 0
  }

  private var timer: PolicyStepTimer
  private var batch = AttentionBatch()
  private var graphs: [Int: Sum] = [:]
  private var pieces: [Int: Sum] = [:]

  /// A collector.
  ///
  /// - `policy`: the one in force while recording
  public init(
    policy: any SelectionPolicy, attention: any AttentionTiming, context: AttentionContext,
    layers: Int
  ) throws(TimingError) {
    timer = try PolicyStepTimer(
      policy: policy, attention: attention, context: context, layers: layers,
      rest: RestOfStep(graphs: [], pieces: []), candidates: [])
  }

  /// Takes a step in; one without GPU time or rows is passed over.
  public mutating func add(_ step: TraceStep) throws(TimingError) {
    guard let gpu = step.gpuTime, !step.rows.isEmpty else { return }
    batch.removeAll()
    for row in step.rows {
      batch.append(queryLength: row.queryLength.rawValue, kvLength: row.kvLength.rawValue)
    }
    let time = try timer.time(of: &batch)
    let rest = (gpu - time.attention).microseconds
    if case .fullGraph(let tokens) = time.launch {
      graphs[tokens, default: Sum()].add(rest)
    } else {
      pieces[RestOfStep.roundedToTile(time.launch.tokens), default: Sum()].add(rest)
    }
  }

  /// The mean rest by launch.
  ///
  /// A rest below zero (the timing overestimates the kernel) stays as it is,
  /// because it makes the sum right.
  public var rest: RestOfStep {
    func points(_ sums: [Int: Sum]) -> [RestOfStep.Point] {
      sums.keys.sorted().compactMap { tokens in
        sums[tokens].map {
          RestOfStep.Point(tokens: tokens, microseconds: $0.microseconds / Double($0.steps))
        }
      }
    }
    return RestOfStep(graphs: points(graphs), pieces: points(pieces))
  }
}

extension RecordedRest.Sum {
  fileprivate mutating func add(_ value: Double) {
    microseconds += value
    steps += 1
  }
}
