/// Why a command ends without its work done.
///
/// The message is one line: what, where, and what to do.
struct CommandError: Error, Hashable {
  /// Which of the two failing exit codes it deserves.
  enum Kind: Hashable {
    /// The work failed: exit code 1.
    case failed
    /// The call was wrong: exit code 2.
    case usage
  }

  var kind: Kind
  var message: String

  static func failed(_ message: String) -> CommandError { .init(kind: .failed, message: message) }
  static func usage(_ message: String) -> CommandError { .init(kind: .usage, message: message) }
}

/// An error that knows its own line.
///
/// The modules below each have one error type; this is how the program prints all of them alike.
protocol OneLineError: Error {
  var message: String { get }
}

extension CommandError: OneLineError {}
