internal import TraceFile

/// Why nothing can be recorded, in one line: what, where, and what to do.
struct RecorderError: Error {
  let message: String

  init(_ message: String) { self.message = message }

  init(_ error: TraceFileError) { message = error.message }
}
