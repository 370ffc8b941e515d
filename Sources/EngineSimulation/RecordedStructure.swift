import TraceModel

/// How a recorded step follows the one before it.
enum RecordedLink {
  /// The step before was in flight; the engine scheduled this one `wait` after the tokens before that,
  /// as soon as it could or when a request came.
  case continued(wait: Nanoseconds)
  /// The engine had processed the tokens of the step before first, and paused for `pause` until it
  /// scheduled this one: it waited for a request, or for tokens without which there was no work.
  case drained(pause: Nanoseconds)
  /// Steps in between are missing; `pause` is the time from the output before to this scheduling.
  case gap(pause: Nanoseconds)

  /// Whether steps are missing.
  var isGap: Bool { if case .gap = self { true } else { false } }

  /// The time without work that lies before the step, where nothing was in flight.
  var pause: Nanoseconds? {
    switch self {
    case .continued: nil
    case .drained(let pause), .gap(let pause): pause
    }
  }
}

/// Reads from the recording's times and numbers which steps waited for which.
struct RecordedStructure {
  private let gaps: [TraceGap]
  private var nextGap = 0
  private var outputs: (older: Nanoseconds?, newer: Nanoseconds?) = (nil, nil)
  private var lastScheduleEnd: Nanoseconds?

  /// The structure of a recording with these gaps, in order.
  init(gaps: [TraceGap]) { self.gaps = gaps }

  /// Takes the next step.
  mutating func link(to step: TraceStep) -> RecordedLink {
    defer {
      // Before the first step nothing is in flight; its own start stands for the tokens before it.
      outputs = (outputs.newer ?? step.scheduleStart, step.output)
      lastScheduleEnd = step.scheduleEnd
    }
    let firstGap = nextGap
    while nextGap < gaps.count, gaps[nextGap].afterStep < step.number { nextGap += 1 }
    guard let lastScheduleEnd else {
      return nextGap > firstGap ? .gap(pause: .zero) : .continued(wait: .zero)
    }
    let before = outputs.newer ?? lastScheduleEnd
    if nextGap > firstGap { return .gap(pause: max(.zero, step.scheduleStart - before)) }
    if let newer = outputs.newer, step.scheduleStart >= newer {
      return .drained(pause: step.scheduleStart - newer)
    }
    return .continued(wait: max(.zero, step.scheduleStart - (outputs.older ?? lastScheduleEnd)))
  }
}
