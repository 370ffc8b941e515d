import TraceModel

/// Bounds of what commands take and hold.
enum Limits {
  /// Bytes gathered before a write to standard output or a result file.
  static let outputPieceBytes = 1 << 16
  /// Bytes asked of a file, a pipe or a socket at a time.
  static let inputPieceBytes = 1 << 18
  /// Whole-file inputs of importers: the largest public trace is a third of this.
  static let importBytesMax = 4 << 30
  /// How much of a running engine's log a killed `record` loses.
  static let flushInterval = Duration.seconds(30)
  /// Connections that `record --listen` serves at once.
  static let connectionsMax = 64
  /// Bytes of a UNIX socket's path, by the system's structure.
  static let socketPathBytesMax = 107
  /// A log whose sendings are further from a trace's arrivals counts on another clock.
  static let sendDelayMax = Nanoseconds(100_000_000)
  /// Policies of one replay; each holds its own outcome in memory.
  static let policiesMax = 32
  /// Recorded steps up to which `replay` compares the batches it forms with them: under a second.
  static let comparedStepsMax = 200_000
  /// Replays with moved arrivals that `validate` may be asked for.
  static let jitteredReplaysMax = 1_000
  /// What nine of ten requests' time between scheduler and caller may vary by: 3 ms at most in the
  /// committed recordings, and more than this between any two of them that are of the same work.
  static let callerDelayVariationMax = Nanoseconds(8_000_000)
  /// Requests a second that a sweep draws or presses a trace to.
  static let rateMax = 1e6
  /// Worst batches that 'regret' lists or exports.
  static let worstBatchesMax = 1_000
}
