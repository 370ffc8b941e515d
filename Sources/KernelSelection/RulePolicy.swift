/// A policy that is data: an ordered list of conditions, the first that all hold decides.
///
/// It may name a variant that cannot run a batch (split-KV with multi-token rows, before vLLM 0.33);
/// that shows when the batch is timed, not here.
public struct RulePolicy: SelectionPolicy, Hashable {
  /// Conditions that must all hold, and the variant that they choose.
  public struct Rule: Hashable, Sendable {
    /// All must hold; none means always.
    public var conditions: [RuleCondition]
    /// What then runs.
    public var variant: KernelVariant

    /// A rule of given parts.
    public init(when conditions: [RuleCondition], use variant: KernelVariant) {
      self.conditions = conditions
      self.variant = variant
    }
  }

  /// The name that the command line and reports use.
  public let name: String
  /// One sentence that says what the rule does.
  public let explanation: String
  /// Where the rule comes from.
  public let source: String
  /// Every variant that the rule can choose, each once.
  public let variants: [KernelVariant]
  /// The rules in the order they are tried.
  public let rules: [Rule]
  /// Whether a CUDA graph of a whole step can follow the rule: no condition looks at what changes from one
  /// launch of the graph to the next.
  public var isKnownAtCapture: Bool {
    rules.flatMap(\.conditions).allSatisfy { condition in
      if case .number(let quantity, _, _) = condition { return quantity.isKnownAtCapture }
      return true
    }
  }
  /// What runs where no rule decides.
  public let defaultVariant: KernelVariant

  /// A policy of given rules; `explanation` is written from the rules where it is left out.
  public init(
    name: String, explanation: String? = nil, source: String, rules: [Rule],
    default defaultVariant: KernelVariant
  ) {
    self.name = name
    self.source = source
    self.rules = rules
    self.defaultVariant = defaultVariant
    self.explanation = explanation ?? Self.sentence(rules, defaultVariant)
    var variants: [KernelVariant] = []
    for variant in rules.map(\.variant) + [defaultVariant] where !variants.contains(variant) {
      variants.append(variant)
    }
    self.variants = variants
  }

  /// The choice for a batch, seen with its graph padding.
  public func choose(for batch: BatchSummary, in context: AttentionContext) -> VariantChoice {
    .variant(decidingRule(for: batch, in: context).map { rules[$0].variant } ?? defaultVariant)
  }

  /// The place of the rule that decides for a batch; `nil` where none does and the default runs.
  public func decidingRule(for batch: BatchSummary, in context: AttentionContext) -> Int? {
    rules.firstIndex { rule in
      rule.conditions.allSatisfy { $0.holds(for: batch, in: context) }
    }
  }
}

extension RulePolicy {
  private static func sentence(_ rules: [Rule], _ defaultVariant: KernelVariant) -> String {
    guard !rules.isEmpty else { return "Every batch runs on \(defaultVariant.name)." }
    let parts = rules.map { rule in
      let conditions = rule.conditions.map(\.phrase).joined(separator: " and ")
      return "\(rule.variant.name) if \(conditions.isEmpty ? "always" : conditions)"
    }
    return "\(parts.joined(separator: ", else ")), else \(defaultVariant.name)."
  }
}

extension RuleCondition {
  /// The condition in words, such as `rows ≤ 16`.
  public var phrase: String {
    switch self {
    case .number(let quantity, let comparison, let bound):
      "\(quantity.rawValue) \(comparison.sign) \(RuleNumber.text(bound))"
    case .anyPrefill(let expected): expected ? "any row is prefill" : "no row is prefill"
    }
  }
}

extension RuleComparison {
  fileprivate var sign: String {
    switch self {
    case .atMost: "≤"
    case .atLeast: "≥"
    case .below: "<"
    case .above: ">"
    case .equals: "="
    }
  }
}
