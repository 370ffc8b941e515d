/// Why a profile or a kernel log cannot be read: one line that says what, where, and what to do.
public struct MachineProfileError: Error, Hashable, Sendable {
  /// The file, or `built-in`.
  public var source: String
  /// The line in it, counted from 1, where that is known.
  public var line: Int?
  /// What is wrong and what to do.
  public var reason: String

  /// An error at a place.
  public init(source: String, line: Int? = nil, reason: String) {
    self.source = source
    self.line = line
    self.reason = reason
  }

  /// The whole line.
  public var message: String {
    line.map { "\(source):\($0): \(reason)" } ?? "\(source): \(reason)"
  }
}
