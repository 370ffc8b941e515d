import EngineSimulation
import TraceModel

/// Every gap between two tokens, by the step that ends it.
///
/// Requests that run side by side share their gaps, so nearly all of them are one number a step.
struct TokenGaps: Sendable {
  /// A gap that spans more than one step, as after a preemption.
  struct Other: Hashable, Sendable {
    /// The step that ends it.
    var step: Int32
    /// How long it was.
    var length: Nanoseconds
  }

  /// For each step, the gaps that began with the step before it.
  private(set) var fromPrevious: [Int32]
  /// All others, in the order of the trace's requests.
  private(set) var others: [Other] = []

  /// The gaps of a replay, without visiting each token.
  init(_ outcome: ReplayOutcome) {
    var change = [Int32](repeating: 0, count: outcome.outputs.count + 1)
    for request in outcome.requests {
      var previous: Int?
      for run in request.tokenRuns where run.count > 0 {
        let first = Int(run.firstStep)
        let last = first + Int(run.count) - 1
        if let previous, !run.followsGap {
          if previous == first - 1 {
            change[first] += 1
            change[first + 1] -= 1
          } else {
            let length = outcome.outputs[first] - outcome.outputs[previous]
            others.append(Other(step: run.firstStep, length: length))
          }
        }
        if last > first {
          change[first + 1] += 1
          change[last + 1] -= 1
        }
        previous = last
      }
    }
    fromPrevious = []
    fromPrevious.reserveCapacity(outcome.outputs.count)
    var sharing: Int32 = 0
    for step in outcome.outputs.indices {
      sharing += change[step]
      fromPrevious.append(sharing)
    }
  }
}
