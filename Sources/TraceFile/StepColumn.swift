/// The columns of a chunk of steps, by their numbers in the file.
enum StepColumn: UInt64 {
  /// `StepFlags` of each step; always at least one plane, so that every step stands for a byte.
  case flags = 1
  case scheduleStart = 2
  case scheduleEnd = 3
  case output = 4
  case gpuTime = 5
  case forwardTime = 6
  case waiting = 7
  case running = 8
  case freeKVBlocks = 9
  /// What deviates from the prediction, step after step, as `StepFlags` announces it.
  case events = 10
}

/// What is unusual about a step: nothing, in most.
struct StepFlags: OptionSet {
  let rawValue: UInt64

  /// The rows differ from the prediction: a script follows in the events.
  static let rows = StepFlags(rawValue: 1 << 0)
  /// The number is not one more than the last.
  static let number = StepFlags(rawValue: 1 << 1)
  /// The finished requests are not those predicted.
  static let finished = StepFlags(rawValue: 1 << 2)
  /// Requests were preempted.
  static let preempted = StepFlags(rawValue: 1 << 3)
  /// Values that the step does not have.
  static let noOutput = StepFlags(rawValue: 1 << 4)
  static let noGPUTime = StepFlags(rawValue: 1 << 5)
  static let noForwardTime = StepFlags(rawValue: 1 << 6)
  static let noFreeKVBlocks = StepFlags(rawValue: 1 << 7)
  static let noWaiting = StepFlags(rawValue: 1 << 8)
  static let noRunning = StepFlags(rawValue: 1 << 9)
  /// All that this version knows.
  static let known = StepFlags(rawValue: (1 << 10) - 1)
}

/// The parameters of a chunk of steps, by their numbers in the file, and what is assumed of each.
enum StepParameter {
  /// The decimal exponent of the unit of times in nanoseconds.
  static let timeExponent: (number: UInt64, assumed: Int64) = (1, 3)
  /// The same for GPU and forward times.
  static let gpuExponent: (number: UInt64, assumed: Int64) = (2, 2)
  /// When the first step was scheduled, in units of time.
  static let firstStart: (number: UInt64, assumed: Int64) = (3, 0)
  /// The first step's number.
  static let firstNumber: (number: UInt64, assumed: Int64) = (4, 0)
  /// The engine's token budget for a step; 0 where it has none.
  static let tokenBudget: (number: UInt64, assumed: Int64) = (5, 0)
  /// Tokens in a KV block; 0 where free blocks are not predicted from the rows.
  static let kvBlockSize: (number: UInt64, assumed: Int64) = (6, 0)
  /// Steps from a request's last row to the step that reports it finished.
  static let finishLag: (number: UInt64, assumed: Int64) = (7, 2)
  /// Steps in flight: scheduling waits for the output of the step so many before.
  static let depth: (number: UInt64, assumed: Int64) = (8, 2)
  /// How slowly the prediction of GPU times follows them: by this power of one half.
  static let gpuShift: (number: UInt64, assumed: Int64) = (9, 0)
}
