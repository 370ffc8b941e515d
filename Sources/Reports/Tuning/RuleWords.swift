import KernelSelection
import RuleTuning

/// Conditions in as few words as a table has room for.
enum RuleWords {
  /// Such as `32 < rows ≤ 128, max_kv_length > 2048`: both bounds of a quantity around its name.
  static func text(_ conditions: [RuleCondition]) -> String {
    var parts: [String] = []
    var done: Set<RuleQuantity> = []
    for condition in conditions {
      guard case .number(let quantity, _, _) = condition else {
        parts.append(condition.phrase)
        continue
      }
      guard done.insert(quantity).inserted else { continue }
      let bounds = conditions.filter { other in
        if case .number(quantity, _, _) = other { return true }
        return false
      }
      parts.append(range(quantity, bounds) ?? bounds.map(\.phrase).joined(separator: ", "))
    }
    return parts.joined(separator: ", ")
  }

  private static func range(_ quantity: RuleQuantity, _ bounds: [RuleCondition]) -> String? {
    var above: Double?
    var atMost: Double?
    for bound in bounds {
      switch bound {
      case .number(_, .above, let value): above = value
      case .number(_, .atMost, let value): atMost = value
      default: return nil
      }
    }
    guard let above, let atMost else { return nil }
    return "\(RuleNumber.text(above)) < \(quantity.rawValue) ≤ \(RuleNumber.text(atMost))"
  }
}
