import Glibc
import Synchronization

/// Whether the process was asked to stop, by SIGINT or SIGTERM.
///
/// Recording ends with what it has then, so that the trace becomes whole under its name.
enum StopSignal {
  private static let raised = Atomic(false)

  /// Whether one came since `catchSignals`.
  static var isRaised: Bool { raised.load(ordering: .relaxed) }

  /// From now on the two signals set the flag instead of ending the process; a second one ends it.
  static func catchSignals() {
    for number in [SIGINT, SIGTERM] {
      unsafe signal(number) { number in
        // An atomic store and `signal` are all that happens here: both are allowed in a handler.
        StopSignal.raised.store(true, ordering: .relaxed)
        unsafe Glibc.signal(number, SIG_DFL)
      }
    }
  }
}
