/// What the writing thread has to say; copied under a lock that is held for nothing else.
struct RecorderReport: Sendable {
  /// What a recorder is doing.
  enum State: Int32, Sendable {
    case recording = 0
    case waiting = 1
    case closed = 2
  }

  var state = State.recording
  var writtenSteps: UInt64 = 0
  /// Steps that came through the ring and are in no file.
  var lostSteps: UInt64 = 0
  /// Places where steps are missing for that reason alone.
  var gaps: UInt64 = 0
  var bytesWritten: UInt64 = 0
  var files: UInt64 = 0
  var path = ""
  var lastError = ""
}
