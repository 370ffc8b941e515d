internal import KernelSelection
internal import TraceModel

/// How one model's rest of step goes with the size of the step, from recordings on several machines.
///
/// Machines differ in level: by 2 to 3 % in what reading weights takes, and in what tokens take. How a step of one
/// size stands to one of another (waves of tiles on the SMs, which kernels cuBLAS takes) is alike on all of them.
struct SharedRest: Sendable {
  /// At the level of the machine that recorded the most.
  private let rest: RestOfStep

  /// Steps with prompts that a machine's level counts as before any were seen.
  private static let stepsMin = 8.0

  /// The shape that steps show, by machine, at full clock; `nil` of fewer than two machines.
  init?(_ machines: [[StepObservation]]) {
    let machines = machines.filter { !$0.isEmpty }
    guard machines.count > 1, let most = machines.max(by: { Self.count($0) < Self.count($1) })
    else { return nil }
    let (graphs, pieces) = RestFit.bySize(most)
    let first = RestOfStep(
      graphs: RestFit.graphPoints(graphs), pieces: RestFit.piecePoints(pieces))
    let levelled = machines.flatMap { steps in
      let level = Self.level(of: steps, over: first)
      return steps.map { step in
        step.scaled(rest: 1 / (step.launch.isFullGraph ? level.graphs : level.pieces))
      }
    }
    let all = RestFit.bySize(levelled)
    rest = RestOfStep(
      graphs: RestFit.graphPoints(all.graphs), pieces: RestFit.piecePoints(all.pieces))
  }

  /// The same at the level of a machine that shows these steps.
  func atLevel(of steps: [StepObservation]) -> RestOfStep {
    let level = Self.level(of: steps, over: rest)
    return RestOfStep(
      graphs: rest.graphs.scaled(by: level.graphs), pieces: rest.pieces.scaled(by: level.pieces))
  }

  /// Steps that tell the most: those with prompts, of which there are few, before decode steps.
  private static func count(_ steps: [StepObservation]) -> Int {
    steps.count { !$0.launch.isFullGraph && $0.hasPrompts }
  }

  /// What steps take over a table, over the sizes that it has; of steps with prompts, the long ones.
  private static func level(
    of steps: [StepObservation], over table: RestOfStep
  ) -> (graphs: Double, pieces: Double) {
    let (graphs, pieces) = RestFit.bySize(steps)
    var (own, other) = (0.0, 0.0)
    for point in RestFit.graphPoints(graphs) {
      guard let same = table.graphs.first(where: { $0.tokens == point.tokens }) else { continue }
      own += point.microseconds
      other += same.microseconds
    }
    // By size, so that sums come out the same every time.
    let seen = pieces.sorted { $0.key < $1.key }.flatMap(\.value).filter {
      table.time(of: $0.launch).microseconds >= RestSpread.launchMax
    }
    let taken = seen.reduce(0) { $0 + $1.rest }
    let expected = seen.reduce(0) { $0 + table.time(of: $1.launch).microseconds }
    let count = Double(seen.count)
    let ratio = expected > 0 ? taken / expected : 1
    return (
      graphs: other > 0 && own > 0 ? own / other : 1,
      pieces: max(1e-3, (ratio * count + stepsMin) / (count + stepsMin))
    )
  }
}
