/// The form that a rule may have.
public enum RuleForm: Hashable, Sendable {
  /// An ordered list of so many conditions, each of one or two thresholds.
  case thresholds(rules: Int)
  /// A grid over the two quantities that tell most.
  case table
  /// A tree of questions, so many of them one after another.
  case tree(depth: Int)

  /// Reads `thresholds`, `thresholds:3`, `table`, `tree` or `tree:4`; `nil` for anything else.
  public init?(_ text: String) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    let argument = parts.count == 2 ? Int(parts[1]) : nil
    guard parts.count == 1 || argument != nil else { return nil }
    switch parts[0] {
    case "thresholds" where (1...TuningLimits.listRulesMax).contains(argument ?? 1):
      self = .thresholds(rules: argument ?? 1)
    case "table" where parts.count == 1: self = .table
    case "tree" where (1...TuningLimits.depthMax).contains(argument ?? 3):
      self = .tree(depth: argument ?? 3)
    default: return nil
    }
  }

  /// The forms in words, for help and errors.
  public static let explanation =
    "thresholds or thresholds:N (1 to \(TuningLimits.listRulesMax) conditions), table, "
    + "tree or tree:DEPTH (1 to \(TuningLimits.depthMax))"

  /// The form as `init` reads it.
  public var name: String {
    switch self {
    case .thresholds(let rules): rules == 1 ? "thresholds" : "thresholds:\(rules)"
    case .table: "table"
    case .tree(let depth): "tree:\(depth)"
    }
  }
}
