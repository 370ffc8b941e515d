import TraceModel

/// Carries moments of a recording over to the time in which its steps take another while.
///
/// A recording's batches say who was there when; if its steps take longer, arrivals must move along,
/// or requests would wait for steps that in truth would have held others. So time is stretched step by
/// step: where the engine rested it passes as recorded, where it worked it passes in proportion to the
/// step. Under the recorded policy nothing moves.
struct RecordedClock {
  /// When the first step was scheduled, in both times.
  private var origin: Nanoseconds?
  /// When each step's tokens were processed in the recording; never falls.
  private var outputs: [Nanoseconds] = []
  /// How long the engine rested before each step.
  private var rests: [Nanoseconds] = []

  /// Takes the next step in; `rest` is the time from the output before to its scheduling.
  mutating func add(_ step: TraceStep, rest: Nanoseconds) {
    if origin == nil { origin = step.scheduleStart }
    let before = outputs.last ?? step.scheduleStart
    outputs.append(max(before, step.output ?? step.scheduleEnd))
    rests.append(rest)
  }

  /// The moment that corresponds to a recorded one, when steps end at `newOutputs`.
  func moved(_ moment: Nanoseconds, newOutputs: [Nanoseconds]) -> Nanoseconds {
    guard let origin, moment > origin, !outputs.isEmpty else { return moment }
    let step = min(outputs.partitioningIndex { $0 >= moment }, outputs.count - 1)
    let from = step == 0 ? origin : outputs[step - 1]
    let newFrom = step == 0 ? origin : newOutputs[step - 1]
    let passed = moment - from
    let rest = min(rests[step], outputs[step] - from)
    guard passed > rest else { return newFrom + passed }
    let work = outputs[step] - from - rest
    let newWork = max(.zero, newOutputs[step] - newFrom - rest)
    guard work > .zero else { return newFrom + rest }
    if passed - rest >= work { return newFrom + rest + newWork + (passed - rest - work) }
    let share = (passed - rest).seconds / work.seconds
    return newFrom + rest + Nanoseconds(Int64((Double(newWork.rawValue) * share).rounded()))
  }
}
