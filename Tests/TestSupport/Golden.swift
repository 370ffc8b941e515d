import FoundationEssentials
import Glibc

/// Texts that stand beside the tests, to be read by people and compared by the machine.
public enum Golden {
  /// The variable that makes tests write such texts anew instead of comparing.
  public static let variable = "REPRISE_RENEW_GOLDEN"

  /// What differs between `text` and the file `Golden/NAME` beside the test; `nil` where nothing does.
  public static func difference(
    _ text: String, from name: String, file: String = #filePath
  ) throws -> String? {
    let folder = file.split(separator: "/", omittingEmptySubsequences: false).dropLast()
      .joined(separator: "/")
    let path = "\(folder)/Golden/\(name)"
    if unsafe getenv(variable) != nil {
      try FileManager.default.createDirectory(
        atPath: "\(folder)/Golden", withIntermediateDirectories: true)
      try Data(text.utf8).write(to: URL(filePath: path))
      return nil
    }
    guard let data = FileManager.default.contents(atPath: path) else {
      return "no \(path); make it with \(variable)=1"
    }
    let known = String(decoding: data, as: UTF8.self)
    return known == text ? nil : firstDifference(known, text) + "\nrenew with \(variable)=1"
  }

  private static func firstDifference(_ known: String, _ text: String) -> String {
    let old = known.split(separator: "\n", omittingEmptySubsequences: false)
    let new = text.split(separator: "\n", omittingEmptySubsequences: false)
    let line =
      zip(old, new).enumerated().first { $1.0 != $1.1 }?.offset ?? min(old.count, new.count)
    func at(_ lines: [Substring]) -> Substring { line < lines.count ? lines[line] : "(end)" }
    return "line \(line + 1)\n- \(at(old))\n+ \(at(new))"
  }
}
