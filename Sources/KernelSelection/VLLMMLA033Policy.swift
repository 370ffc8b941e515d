/// MLA decode with splits that follow the longest row, or in a captured graph the longest request.
///
/// `min(next power of two of max(1, longest / 512), 2 × SMs)`, longest / 512 rounded down. A graph of a whole
/// step is captured with the longest request that the engine takes (`max_model_len`), so its splits are
/// those of that request whatever the rows. What a rule may choose is listed beforehand: powers of two, and
/// twice the SMs of GPUs that are known; on another GPU the bound is the listed number below.
struct VLLMMLA033Policy: SelectionPolicy {
  let name: String
  let explanation: String
  let source =
    "vLLM since PR #33529 (d9408ff, 2026-04-02), 0.33 included; captured since PR #42885 (0191354, "
    + "2026-05-18)"
  let variants: [KernelVariant] = Self.splits.map { KernelVariant(.tritonMLA, segments: $0) }
  let timesItsChoiceAlone = true

  /// Tokens that a split has at least (`_MIN_WORK_PER_SPLIT`).
  static let tokensPerSplit = 512
  /// Splits for each SM at most (`_SPLIT_OCCUPANCY_MULTIPLIER`).
  static let splitsPerSM = 2
  /// SMs of H20, A100, H100 and H200, and B200.
  private static let smCounts = [78, 108, 132, 148]
  /// What the rule may choose, ascending.
  private static let splits = ((0...9).map { 1 << $0 } + smCounts.map { splitsPerSM * $0 }).sorted()

  /// Whether even steps that are one graph go by their rows, which no vLLM does.
  private let isEager: Bool

  private init(_ name: String, isEager: Bool, _ explanation: String) {
    self.name = name
    self.isEager = isEager
    self.explanation = explanation
  }

  /// What vLLM does.
  static let released = VLLMMLA033Policy(
    "vllm-mla-0.33", isEager: false,
    "Every decode row of an MLA model runs on the Triton kernel with one split for each 512 tokens of "
      + "the longest row, rounded up to a power of two, and at most two for each SM; in steps that are "
      + "one CUDA graph, the default, of the longest request that the engine takes.")
  /// The same as it would be if no graph froze it.
  static let eager = VLLMMLA033Policy(
    "vllm-mla-0.33-eager", isEager: true,
    "The splits of vllm-mla-0.33 by the longest row in every step, as without CUDA graphs.")

  func choose(for batch: BatchSummary, in context: AttentionContext) -> VariantChoice {
    let isCaptured = !isEager && context.launch(of: batch).isFullGraph
    let longest = (isCaptured ? context.maxModelLength : nil) ?? batch.maxKVLength
    let wanted = max(1, longest / Self.tokensPerSplit)
    var power = 1
    while power < wanted { power *= 2 }
    let bound = min(power, Self.splitsPerSM * context.smCount)
    return .variant(variants.last { $0.segments <= bound } ?? variants[0])
  }
}
