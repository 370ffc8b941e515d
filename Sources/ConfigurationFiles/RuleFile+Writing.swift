public import KernelSelection

extension RuleFile {
  /// Whether a rule may have this name: short, of plain characters, and none of a built-in policy.
  public static func isPolicyName(_ name: String) -> Bool {
    MappingReader.isName(name) && !SelectionPolicies.all.contains { $0.name == name }
  }

  /// A policy as `load(path:)` reads it back.
  ///
  /// - `comments`: lines put before it, without their `#`
  public static func text(of policy: RulePolicy, comments: [String] = []) -> String {
    var lines = comments.map { $0.isEmpty ? "#" : "# \($0)" }
    lines.append("name: \(policy.name)")
    lines.append("source: \(quoted(policy.source))")
    if !policy.rules.isEmpty { lines.append("rules:") }
    for rule in policy.rules {
      lines.append("  - when: {\(conditions(rule.conditions))}")
      lines.append("    use: \(rule.variant.name)")
    }
    lines.append("default: \(policy.defaultVariant.name)")
    return lines.joined(separator: "\n") + "\n"
  }

  /// `rows: {above: 8, at_most: 16}, any_prefill: true`: each quantity once, in order of appearance.
  private static func conditions(_ conditions: [RuleCondition]) -> String {
    var parts: [(key: String, comparisons: [String])] = []
    for condition in conditions {
      switch condition {
      case .anyPrefill(let expected): parts.append(("any_prefill: \(expected)", []))
      case .number(let quantity, let comparison, let bound):
        let text = "\(comparison.rawValue): \(RuleNumber.text(bound))"
        if let known = parts.firstIndex(where: { $0.key == quantity.rawValue }) {
          parts[known].comparisons.append(text)
        } else {
          parts.append((quantity.rawValue, [text]))
        }
      }
    }
    return parts.map { key, comparisons in
      comparisons.isEmpty ? key : "\(key): {\(comparisons.joined(separator: ", "))}"
    }.joined(separator: ", ")
  }

  private static func quoted(_ text: String) -> String {
    "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "''") + "'"
  }
}
