/// A number of a batch or its context that a rule may look at.
///
/// Raw values are the keys of rule files. Rows and tokens are those of the launch: padding included.
public enum RuleQuantity: String, Hashable, Sendable, CaseIterable {
  /// Rows of the launch.
  case rows
  /// New tokens of the launch.
  case tokens
  /// The most new tokens in a row.
  case maxQueryLength = "max_query_length"
  /// The longest row, in tokens to attend to.
  case maxKVLength = "max_kv_length"
  /// Mean tokens to attend to over rows without padding.
  case meanKVLength = "mean_kv_length"
  /// Tokens to attend to over all rows.
  case sumKVLength = "sum_kv_length"
  /// Longest row over mean row.
  case skew
  /// Query blocks × KV heads: CTAs of a 2D launch.
  case queryBlocksTimesKVHeads = "q_blocks_times_kv_heads"
  /// KV heads on one GPU.
  case kvHeads = "kv_heads"
  /// Streaming multiprocessors of the GPU.
  case smCount = "sm_count"

  /// The number's value for a batch.
  public func value(for batch: BatchSummary, in context: AttentionContext) -> Double {
    switch self {
    case .rows: Double(batch.paddedRows)
    case .tokens: Double(batch.launchedTokens)
    case .maxQueryLength: Double(batch.maxQueryLength)
    case .maxKVLength: Double(batch.maxKVLength)
    case .meanKVLength: batch.meanKVLength
    case .sumKVLength: Double(batch.totalKVLength)
    case .skew: batch.skew
    case .queryBlocksTimesKVHeads:
      Double(batch.queryBlocks(in: context) * context.kvHeads)
    case .kvHeads: Double(context.kvHeads)
    case .smCount: Double(context.smCount)
    }
  }
}

/// How a number is compared with a bound; raw values are the words of rule files.
public enum RuleComparison: String, Hashable, Sendable, CaseIterable {
  /// The number is the bound or less.
  case atMost = "at_most"
  /// The number is the bound or more.
  case atLeast = "at_least"
  /// The number is less than the bound.
  case below
  /// The number is more than the bound.
  case above
  /// The number is the bound.
  case equals

  /// Whether `number` stands so to `bound`.
  public func holds(_ number: Double, _ bound: Double) -> Bool {
    switch self {
    case .atMost: number <= bound
    case .atLeast: number >= bound
    case .below: number < bound
    case .above: number > bound
    case .equals: number == bound
    }
  }
}

/// One condition of a rule.
public enum RuleCondition: Hashable, Sendable {
  /// A number of the batch stands in a relation to a bound.
  case number(RuleQuantity, RuleComparison, Double)
  /// Whether any row has more than one new token; a prompt's last chunk of one token is none.
  case anyPrefill(Bool)

  /// Whether a batch meets the condition.
  public func holds(for batch: BatchSummary, in context: AttentionContext) -> Bool {
    switch self {
    case .number(let quantity, let comparison, let bound):
      comparison.holds(quantity.value(for: batch, in: context), bound)
    case .anyPrefill(let expected): batch.isSingleTokenOnly != expected
    }
  }
}
