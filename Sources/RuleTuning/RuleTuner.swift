public import KernelSelection
public import StepTiming

/// Finds the rule of a given form with the least attention time on some traffic.
///
/// Batches of single-token rows are searched in the form asked for. Those with prompts get one variant,
/// and those whose rows all have a few tokens (which split-KV runs since vLLM 0.33) at most one
/// question of their own. Nothing is drawn at random: the same batches give the same rule.
public struct RuleTuner: Sendable {
  /// The form of the part for single-token rows.
  public var form: RuleForm
  /// What the rule may look at, in the order of preference among equals.
  public var quantities: [RuleQuantity]
  /// What the rule may choose; the first of equals wins.
  public var variants: [KernelVariant]

  /// Numbers that a host knows of every batch before it launches, most usual first.
  public static let hostQuantities: [RuleQuantity] = [
    .rows, .maxKVLength, .sumKVLength, .meanKVLength, .skew, .queryBlocksTimesKVHeads,
  ]

  /// A tuner; `variants` and `quantities` have at least one element.
  public init(
    form: RuleForm, quantities: [RuleQuantity] = RuleTuner.hostQuantities, variants: [KernelVariant]
  ) {
    precondition(!variants.isEmpty && !quantities.isEmpty, "a rule looks at something and chooses")
    self.form = form
    self.quantities = quantities
    self.variants = variants
  }

  /// The rule for the batches of some tables, each of which has every variant.
  public func rule(
    for tables: [BatchTable], name: String, source: String
  ) throws(TuningError) -> RulePolicy {
    let count = tables.reduce(0) { $0 + $1.count }
    guard count > 0 else { throw .noBatches(trace: source) }
    guard count <= TuningLimits.batchesMax else { throw .tooManyBatches(count) }
    let decode = cells(tables, variants) { $0.isSingleTokenOnly }
    let (decodeRules, last) = found(decode, form)
    var rules = try promptRules(tables) + decodeRules
    while let rule = rules.last, rule.variant == last { rules.removeLast() }
    return RulePolicy(name: name, source: source, rules: rules, default: last)
  }

  private func cells(
    _ tables: [BatchTable], _ variants: [KernelVariant], where passes: (BatchSummary) -> Bool
  ) -> TuningCells {
    TuningCells(tables: tables, variants: variants, quantities: quantities, where: passes)
  }

  private func found(
    _ cells: TuningCells, _ form: RuleForm
  ) -> (rules: [RulePolicy.Rule], last: KernelVariant) {
    guard cells.count > 0 else { return ([], variants[0]) }
    switch form {
    case .thresholds(let count): return ThresholdSearch(cells).rules(count: count)
    case .table: return TableSearch(cells: cells).rules()
    case .tree(let depth): return TreeSearch(cells).tree(depth: depth).rules(cells)
    }
  }

  /// What runs batches with rows of several tokens.
  ///
  /// A rule must be ready for prompts even where it has seen none, so without any the first variant
  /// that runs all of them is taken.
  private func promptRules(_ tables: [BatchTable]) throws(TuningError) -> [RulePolicy.Rule] {
    let general = variants.filter(\.family.runsPrompts)
    let long = cells(tables, general) { $0.maxQueryLength > VLLM033Policy.queryLengthMax }
    let short = cells(tables, variants) {
      !$0.isSingleTokenOnly && $0.maxQueryLength <= VLLM033Policy.queryLengthMax
    }
    guard let fallback = general.first else {
      let hasPrompts = tables.contains { $0.summaries.contains { !$0.isSingleTokenOnly } }
      if hasPrompts { throw .noVariantForPrompts(variants) }
      return []
    }
    let variant = long.count > 0 ? general[long.best(long.total(long.all)).variant] : fallback
    let shortBatches = short.count > 0 ? short.total(short.all)[0] : 0
    let (rules, last) =
      shortBatches >= TuningLimits.batchesMin ? found(short, .tree(depth: 1)) : ([], variant)
    if rules.isEmpty, last == variant {
      return [.init(when: [.anyPrefill(true)], use: variant)]
    }
    return [
      .init(
        when: [.number(.maxQueryLength, .above, Double(VLLM033Policy.queryLengthMax))], use: variant
      )
    ] + rules.map { .init(when: [.anyPrefill(true)] + $0.conditions, use: $0.variant) }
      + [.init(when: [.anyPrefill(true)], use: last)]
  }
}
