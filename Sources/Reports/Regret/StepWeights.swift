import EngineSimulation
import StepTiming
import TraceModel

/// How many gaps between tokens, and how many waits for a first token, each step of a replay lies in.
///
/// A nanosecond saved in a step shortens that many gaps and waits, as far as the host does not hide it
/// and batches stay as they are; so a step's regret times its weight is its part in mean ITL or TTFT.
struct StepWeights {
  /// Gaps that each step lies in.
  private(set) var gaps: [Double]
  /// Waits that each step lies in; the step during which a request arrives counts in part.
  private(set) var waits: [Double]
  /// All gaps.
  private(set) var gapCount = 0
  /// All waits with a known beginning and end.
  private(set) var waitCount = 0

  /// The weights of an outcome's steps, each of which took so long on the GPU.
  init(_ outcome: ReplayOutcome, gpu: [Nanoseconds]) {
    let count = outcome.outputs.count
    var gapChanges = [Double](repeating: 0, count: count + 1)
    var waitChanges = gapChanges
    var partial = gapChanges
    for request in outcome.requests {
      var previous: Int?
      for run in request.tokenRuns where run.count > 0 {
        let first = Int(run.firstStep)
        let last = first + Int(run.count) - 1
        if let previous, !run.followsGap {
          gapChanges[previous + 1] += 1
          gapChanges[last + 1] -= 1
          gapCount += last - previous
        } else {
          gapChanges[first + 1] += 1
          gapChanges[last + 1] -= 1
          gapCount += last - first
          if previous == nil, !run.followsGap {
            waitCount += 1
            let arrival = Self.firstStep(after: request.arrival, in: outcome.outputs, upTo: first)
            partial[arrival] += Self.share(
              of: arrival, after: request.arrival, outcome.outputs, gpu)
            waitChanges[arrival + 1] += 1
            waitChanges[first + 1] -= 1
          }
        }
        previous = last
      }
    }
    gaps = Self.sums(gapChanges)
    waits = zip(Self.sums(waitChanges), partial).map { $0 + $1 }
  }

  private static func sums(_ changes: [Double]) -> [Double] {
    var sum = 0.0
    return changes.dropLast().map { change in
      sum += change
      return sum
    }
  }

  /// The first step that ends after a moment, at most `last`.
  private static func firstStep(
    after moment: Nanoseconds, in outputs: [Nanoseconds], upTo last: Int
  ) -> Int {
    var low = 0
    var high = last
    while low < high {
      let middle = (low + high) / 2
      if outputs[middle] <= moment { low = middle + 1 } else { high = middle }
    }
    return low
  }

  /// Which part of a step lies after a moment.
  private static func share(
    of step: Int, after moment: Nanoseconds, _ outputs: [Nanoseconds], _ gpu: [Nanoseconds]
  ) -> Double {
    let end = outputs[step]
    guard gpu[step] > .zero else { return 1 }
    return min(1, max(0, (end - moment).seconds / gpu[step].seconds))
  }
}
