internal import Glibc

/// Names of a recorder's files: `name.reprise`, then `name-0002.reprise` and so on, none that exists.
struct TraceFileName {
  private static let ending = ".reprise"
  private let stem: String

  init(path: String) {
    stem = path.hasSuffix(Self.ending) ? String(path.dropLast(Self.ending.count)) : path
  }

  /// The name with a number, counted from 1.
  func path(_ number: Int) -> String {
    guard number > 1 else { return stem + Self.ending }
    let digits = String(number)
    return stem + "-" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
      + Self.ending
  }

  /// Whether a trace of this name exists, whole or unfinished.
  static func isTaken(_ path: String) -> Bool {
    unsafe access(path, F_OK) == 0 || access(path + ".partial", F_OK) == 0
  }
}
