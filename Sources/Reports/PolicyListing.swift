public import KernelSelection
public import TraceModel

/// The selection policies with what each does and where it comes from.
public struct PolicyListing: Sendable {
  private let policies: [any SelectionPolicy]

  /// A listing in the order given.
  public init(_ policies: [any SelectionPolicy]) { self.policies = policies }

  /// One policy a paragraph: its name and rule on the first line, its source on the second.
  public func text() -> String {
    let width = (policies.map(\.name.count).max() ?? 0) + 2
    let margin = String(repeating: " ", count: width)
    return policies.map { policy in
      let lines = TextLines.wrapped(policy.explanation, width: TextLines.width - width)
      let rule = lines.joined(separator: "\n" + margin)
      let source = TextLines.wrapped("Source: " + policy.source, width: TextLines.width - width)
        .joined(separator: "\n" + margin)
      let padding = String(repeating: " ", count: width - policy.name.count)
      return "\(policy.name)\(padding)\(rule)\n\(margin)\(source)\n"
    }.joined()
  }

  /// An array of objects with `name`, `explanation`, `source` and `variants`.
  public func json() -> JSONValue {
    .array(
      policies.map { policy in
        .object([
          .init("name", .string(policy.name)),
          .init("explanation", .string(policy.explanation)),
          .init("source", .string(policy.source)),
          .init("variants", .array(policy.variants.map { .string($0.name) })),
        ])
      })
  }
}

/// Breaks prose into lines.
enum TextLines {
  /// Columns of a report.
  static let width = 100

  /// Lines of at most `width` characters, broken at spaces; a longer word stands alone, and a percent
  /// sign stays with its number.
  static func wrapped(_ text: String, width: Int) -> [String] {
    var lines: [String] = []
    var line = ""
    for word in words(text) {
      if line.isEmpty {
        line = word
      } else if line.count + 1 + word.count <= width {
        line += " " + word
      } else {
        lines.append(line)
        line = word
      }
    }
    return line.isEmpty ? lines : lines + [line]
  }

  private static func words(_ text: String) -> [String] {
    text.split(separator: " ").reduce(into: []) { words, word in
      if word.hasPrefix("%"), let number = words.popLast() {
        words.append("\(number) \(word)")
      } else {
        words.append(String(word))
      }
    }
  }
}
