/// One request's part of a step: `queryLength` new tokens on top of `computed` ones.
public struct StepRow: Hashable, Sendable {
  /// The request's place in the trace's list of requests (not its `RequestID`).
  public var request: Int32
  /// Tokens of it whose keys and values were in the cache before the step.
  public var computed: TokenCount
  /// New tokens of it in this step, at least one.
  public var queryLength: TokenCount

  /// A row of a step.
  @inlinable
  public init(request: Int32, computed: TokenCount, queryLength: TokenCount) {
    self.request = request
    self.computed = computed
    self.queryLength = queryLength
  }

  /// Tokens that the row's queries may attend to: `computed + queryLength`.
  @inlinable
  public var kvLength: TokenCount { computed + queryLength }
}

/// One iteration of the engine as it was recorded: a batch was scheduled, executed, and gave tokens.
///
/// A value of this type is refilled for each step while a trace is read, so that reading allocates
/// nothing per step.
public struct TraceStep: Hashable, Sendable {
  /// The engine's own number for the step; grows strictly within a trace.
  public var number: Int64
  /// When the scheduler was called.
  public var scheduleStart: Nanoseconds
  /// When the scheduler returned.
  public var scheduleEnd: Nanoseconds
  /// When the step's tokens reached the scheduler; `nil` where the recording ended before.
  public var output: Nanoseconds?
  /// GPU time from before the forward pass to after sampling, where it was recorded.
  public var gpuTime: Nanoseconds?
  /// GPU time of the forward pass alone, where it was recorded.
  public var forwardTime: Nanoseconds?
  /// Requests waiting after the scheduler's call, where it was recorded.
  public var waiting: Int32?
  /// Requests running after the scheduler's call, where it was recorded.
  public var running: Int32?
  /// KV blocks free after the scheduler's call, where it was recorded.
  public var freeKVBlocks: Int32?
  /// The batch, in the engine's order, without padding.
  public var rows: [StepRow]
  /// Requests (places in the trace's list) preempted by this step's scheduling.
  public var preempted: [Int32]
  /// Requests (places in the trace's list) that the engine reported finished in this step.
  public var finished: [Int32]

  /// A step; what a recording lacks is left out.
  public init(
    number: Int64 = 0, scheduleStart: Nanoseconds = .zero, scheduleEnd: Nanoseconds = .zero,
    output: Nanoseconds? = nil, gpuTime: Nanoseconds? = nil, forwardTime: Nanoseconds? = nil,
    waiting: Int32? = nil, running: Int32? = nil, freeKVBlocks: Int32? = nil,
    rows: [StepRow] = [], preempted: [Int32] = [], finished: [Int32] = []
  ) {
    self.number = number
    self.scheduleStart = scheduleStart
    self.scheduleEnd = scheduleEnd
    self.output = output
    self.gpuTime = gpuTime
    self.forwardTime = forwardTime
    self.waiting = waiting
    self.running = running
    self.freeKVBlocks = freeKVBlocks
    self.rows = rows
    self.preempted = preempted
    self.finished = finished
  }
}

/// Steps that a recorder had to drop, counted so that nothing is lost silently.
public struct TraceGap: Hashable, Sendable {
  /// The number of the last step recorded before the gap; `-1` where the gap comes first.
  public var afterStep: Int64
  /// How many steps were dropped.
  public var droppedSteps: Int64

  /// A gap after a step.
  public init(afterStep: Int64, droppedSteps: Int64) {
    self.afterStep = afterStep
    self.droppedSteps = droppedSteps
  }
}

/// Recorded steps in order, read one at a time.
///
/// A trace on disk, a step log in memory and a test's list of steps are all read through this.
public protocol StepSequence {
  /// What reading may throw; `Never` for steps held in memory.
  associatedtype Failure: Error

  /// Overwrites `step` with the next one, reusing its storage; `false` at the end, with `step` as it was.
  mutating func next(into step: inout TraceStep) throws(Failure) -> Bool
}
