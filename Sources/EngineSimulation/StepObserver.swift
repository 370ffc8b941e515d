public import StepTiming
public import TraceModel

/// Receives every step of a replay, in order, as soon as its tokens are processed.
///
/// This is how a simulated run is written as a trace or drawn as a timeline.
public protocol StepObserver {
  /// Whether steps are wanted at all; `false` costs nothing.
  static var wantsSteps: Bool { get }

  /// One step: its batch and times in `step`, GPU time included, and the parts of that in `time`.
  ///
  /// `step.number` is the place of its output in `ReplayOutcome.outputs`. As in vLLM's log, requests
  /// are reported finished with the first step scheduled after their last token was processed.
  mutating func observe(_ step: TraceStep, time: StepTime)
}

/// Wants no steps.
public struct NoStepObserver: StepObserver {
  /// Never.
  public static var wantsSteps: Bool { false }
  /// An observer that does nothing.
  public init() {}
  /// Does nothing.
  public mutating func observe(_ step: TraceStep, time: StepTime) {}
}

/// How far a replay has come.
public struct ReplayProgress: Hashable, Sendable {
  /// Steps executed.
  public var steps: Int
  /// Requests that have reached their end.
  public var endedRequests: Int
  /// Requests of the trace.
  public var requests: Int
  /// The virtual time reached.
  public var time: Nanoseconds

  /// How many steps pass between two reports.
  public static let interval = 4096
}

/// Steps that have begun and whose tokens are not processed yet, kept for an observer.
struct StepsInFlight {
  private var steps: [(step: TraceStep, time: StepTime)] = []
  private var finished: [Int32] = []

  /// Keeps a step that has just begun.
  mutating func begin(_ step: consuming TraceStep, time: StepTime) {
    step.finished = finished
    finished.removeAll()
    steps.append((step, time))
  }

  /// Hands over the oldest step.
  mutating func complete(
    at output: Nanoseconds, finished: [Int32], to observer: inout some StepObserver
  ) {
    var (step, time) = steps.removeFirst()
    step.output = output
    self.finished += finished
    observer.observe(step, time: time)
  }
}
