import TraceModel

/// Carries moments of a recording over to the time in which its steps take another while.
///
/// A recording's batches say who was there when; if its steps take longer, arrivals must move along,
/// or requests would wait for steps that in truth would have held others. So time is stretched step by
/// step: where the engine paused it passes as recorded, where it worked it passes in proportion to the
/// step. Under the recorded policy nothing moves.
struct RecordedClock {
  /// When the first step was scheduled, in both times.
  private var origin: Nanoseconds?
  /// When each step's tokens were processed in the recording; never falls.
  private var outputs: [Nanoseconds] = []
  /// How long the engine paused before each step.
  private var pauses: [Nanoseconds] = []

  /// Takes the next step in; `pause` is the time from the output before to its scheduling.
  mutating func add(_ step: TraceStep, pause: Nanoseconds) {
    if origin == nil { origin = step.scheduleStart }
    let before = outputs.last ?? step.scheduleStart
    outputs.append(max(before, step.output ?? step.scheduleEnd))
    pauses.append(pause)
  }

  /// The moment that corresponds to a recorded one, when steps end at `newOutputs`.
  func moved(_ moment: Nanoseconds, newOutputs: [Nanoseconds]) -> Nanoseconds {
    guard let origin, moment > origin, !outputs.isEmpty else { return moment }
    let step = min(outputs.partitioningIndex { $0 >= moment }, outputs.count - 1)
    let from = step == 0 ? origin : outputs[step - 1]
    let newFrom = step == 0 ? origin : newOutputs[step - 1]
    let passed = moment - from
    let pause = min(pauses[step], outputs[step] - from)
    guard passed > pause else { return newFrom + passed }
    let work = outputs[step] - from - pause
    let newWork = max(.zero, newOutputs[step] - newFrom - pause)
    guard work > .zero else { return newFrom + pause }
    if passed - pause >= work { return newFrom + pause + newWork + (passed - pause - work) }
    let share = (passed - pause).seconds / work.seconds
    return newFrom + pause + Nanoseconds(Int64((Double(newWork.rawValue) * share).rounded()))
  }
}
