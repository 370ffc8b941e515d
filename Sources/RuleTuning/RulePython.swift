public import KernelSelection

/// A rule as a Python function, for a pull request against an engine.
///
/// Its arguments are the numbers that the rule looks at and no others, under the names that vLLM has
/// for them where it has one.
public struct RulePython {
  private let rule: RulePolicy
  private let origin: [String]

  /// A function of a rule; `origin` are lines of its documentation, at most 76 columns each.
  public init(_ rule: RulePolicy, origin: [String]) {
    self.rule = rule
    self.origin = origin
  }

  /// The function's source, ended by a newline.
  public var text: String {
    let used = RuleQuantity.allCases.filter { quantity in
      rule.rules.contains { $0.conditions.contains { $0.looksAt(quantity) } }
    }
    var lines = ["def select_attention_kernel("]
    if !used.isEmpty { lines.append("    *,") }
    for quantity in used { lines.append("    \(quantity.pythonName): \(quantity.pythonType),") }
    lines.append(") -> str:")
    lines.append("    \"\"\"The attention kernel for a batch, known on the host before the launch.")
    lines.append("")
    lines += origin.map { $0.isEmpty ? "" : "    " + $0 }
    if !used.isEmpty { lines += ["", "    Arguments:"] }
    for quantity in used {
      lines.append("        \(quantity.pythonName): \(quantity.pythonMeaning)")
    }
    lines.append("    \"\"\"")
    for rule in rule.rules {
      let test = rule.conditions.map(\.python).joined(separator: " and ")
      lines.append("    if \(test):")
      lines.append("        return \"\(rule.variant.name)\"")
    }
    lines.append("    return \"\(rule.defaultVariant.name)\"")
    return lines.joined(separator: "\n") + "\n"
  }
}

extension RuleCondition {
  fileprivate func looksAt(_ quantity: RuleQuantity) -> Bool {
    switch self {
    case .number(let own, _, _): own == quantity
    case .anyPrefill: quantity == .maxQueryLength
    }
  }

  fileprivate var python: String {
    switch self {
    case .anyPrefill(let expected):
      "\(RuleQuantity.maxQueryLength.pythonName) \(expected ? ">" : "<=") 1"
    case .number(let quantity, let comparison, let bound):
      "\(quantity.pythonName) \(comparison.python) \(RuleNumber.text(bound))"
    }
  }
}

extension RuleComparison {
  fileprivate var python: String {
    switch self {
    case .atMost: "<="
    case .atLeast: ">="
    case .below: "<"
    case .above: ">"
    case .equals: "=="
    }
  }
}

extension RuleQuantity {
  fileprivate var pythonName: String {
    switch self {
    case .rows: "num_seqs"
    case .tokens: "num_tokens"
    case .maxQueryLength: "max_query_len"
    case .maxKVLength: "max_seq_len"
    case .meanKVLength: "mean_seq_len"
    case .sumKVLength: "sum_seq_lens"
    case .skew: "seq_len_skew"
    case .queryBlocksTimesKVHeads: "q_blocks_times_kv_heads"
    case .kvHeads: "num_kv_heads"
    case .smCount: "num_sms"
    }
  }

  fileprivate var pythonType: String {
    switch self {
    case .meanKVLength, .skew: "float"
    default: "int"
    }
  }

  fileprivate var pythonMeaning: String {
    switch self {
    case .rows: "rows of the launch, CUDA-graph padding included"
    case .tokens: "new tokens of the launch, padding included"
    case .maxQueryLength: "the most new tokens in a row"
    case .maxKVLength: "the longest row, in tokens to attend to"
    case .meanKVLength: "sum of the rows' lengths / rows without padding"
    case .sumKVLength: "sum of the rows' lengths, in tokens to attend to"
    case .skew: "longest row / mean row, without padding"
    case .queryBlocksTimesKVHeads: "(num_tokens // BLOCK_Q + num_seqs) * KV heads of one GPU"
    case .kvHeads: "KV heads of one GPU"
    case .smCount: "streaming multiprocessors of the GPU"
    }
  }
}
