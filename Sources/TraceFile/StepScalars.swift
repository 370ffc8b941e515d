internal import TraceModel

/// What a chunk of steps remembers of each step until it is closed: all but its rows.
///
/// How times, lists and counts are best predicted is decided over the whole chunk.
struct StepScalars {
  let number: Int64
  let start: Int64
  let end: Int64
  let output: Int64?
  let gpuTime: Int64?
  let forwardTime: Int64?
  let waiting: Int32?
  let running: Int32?
  let freeKVBlocks: Int32?
  /// Whether every row has one token.
  var isDecode = true
  var rowCount: Int64 = 0
  /// Rows of requests that were not in the step before.
  var admitted: Int64 = 0
  /// KV blocks of the rows alone.
  var usedBlocks: Int64 = 0
  /// The step's script of rows in the chunk's scripts; empty where the rows were predicted.
  var script = 0..<0
  /// The step's lists in the chunk's lists.
  var finished = 0..<0
  var preempted = 0..<0

  init(_ step: borrowing TraceStep) {
    number = step.number
    start = step.scheduleStart.rawValue
    end = step.scheduleEnd.rawValue
    output = step.output?.rawValue
    gpuTime = step.gpuTime?.rawValue
    forwardTime = step.forwardTime?.rawValue
    waiting = step.waiting
    running = step.running
    freeKVBlocks = step.freeKVBlocks
  }

  /// The flags for what the step does not have.
  var absences: StepFlags {
    var flags: StepFlags = []
    if output == nil { flags.insert(.noOutput) }
    if gpuTime == nil { flags.insert(.noGPUTime) }
    if forwardTime == nil { flags.insert(.noForwardTime) }
    if freeKVBlocks == nil { flags.insert(.noFreeKVBlocks) }
    if waiting == nil { flags.insert(.noWaiting) }
    if running == nil { flags.insert(.noRunning) }
    return flags
  }
}

/// The largest power of ten, at most 1000, of which all of some lengths of time are multiples.
struct CommonUnit {
  /// Its decimal exponent.
  private(set) var exponent: Int64

  /// A unit of at most this power.
  init(exponentMax: Int64) { exponent = exponentMax }

  /// Its nanoseconds.
  var nanoseconds: Int64 { Self.nanoseconds(exponent) }

  /// Makes the unit divide one more length of time.
  mutating func include(_ value: Int64?) {
    guard let value else { return }
    while exponent > 0, value % nanoseconds != 0 { exponent -= 1 }
  }

  /// Nanoseconds in the unit of an exponent from 0 to 3.
  static func nanoseconds(_ exponent: Int64) -> Int64 {
    switch exponent {
    case 0: 1
    case 1: 10
    case 2: 100
    default: 1000
    }
  }

  /// The exponents that a file may have.
  static let exponents: ClosedRange<Int64> = 0...3
}
