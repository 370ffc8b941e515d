import TraceModel

/// How a recorded step follows the one before it.
enum RecordedLink {
  /// As the engine goes when it always has work.
  case continued
  /// The engine had processed the tokens of the step before first.
  case drained
  /// Steps in between are missing; `length` is the time from the output before to this scheduling.
  case gap(length: Nanoseconds)

  /// Whether steps are missing.
  var isGap: Bool { if case .gap = self { true } else { false } }
}

/// Reads from the recording's times and numbers which steps waited for which.
struct RecordedStructure {
  private let gaps: [TraceGap]
  private var nextGap = 0
  private var lastOutput: Nanoseconds?
  private var lastScheduleEnd: Nanoseconds?

  /// The structure of a recording with these gaps, in order.
  init(gaps: [TraceGap]) { self.gaps = gaps }

  /// Takes the next step.
  mutating func link(to step: TraceStep) -> RecordedLink {
    defer {
      lastOutput = step.output
      lastScheduleEnd = step.scheduleEnd
    }
    let firstGap = nextGap
    while nextGap < gaps.count, gaps[nextGap].afterStep < step.number { nextGap += 1 }
    guard let lastScheduleEnd else { return nextGap > firstGap ? .gap(length: .zero) : .continued }
    let before = lastOutput ?? lastScheduleEnd
    if nextGap > firstGap { return .gap(length: max(.zero, step.scheduleStart - before)) }
    guard let lastOutput else { return .continued }
    return step.scheduleStart >= lastOutput ? .drained : .continued
  }
}
