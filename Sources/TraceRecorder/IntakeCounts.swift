/// What a call comes to.
enum IntakeResult: Int32 {
  case ok = 0
  case dropped = 1
  case invalid = -1
  case ended = -2
}

/// What a step says beside its rows, as it is passed in: times of the caller's clock, -1 for counts
/// that are unknown.
struct StepScalarsPassedIn {
  var number: Int64
  var scheduleStart: Int64
  var scheduleEnd: Int64
  var waiting: Int32
  var running: Int32
  var freeKVBlocks: Int32
}

/// What has been passed in.
struct IntakeCounts {
  var steps: UInt64 = 0
  var droppedSteps: UInt64 = 0
  var gaps: UInt64 = 0
  var requests: UInt64 = 0
  var incompleteRequests: UInt64 = 0
  var invalidCalls: UInt64 = 0
  var lastInvalidCall: InvalidCall?
}

/// Why a call was refused.
enum InvalidCall: Equatable {
  case arguments
  case number
  case time
  case promptTokens
  case rows(RowFault)

  var message: String {
    switch self {
    case .arguments: "a list is NULL or too long; pass a pointer to as many entries as its count"
    case .number: "a step's number does not grow; number steps upwards"
    case .time: "a time is out of range; pass nanoseconds"
    case .promptTokens: "a prompt has more than \(RecorderLimits.tokensMax) tokens"
    case .rows(let fault): fault.message
    }
  }
}
