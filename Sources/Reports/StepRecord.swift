public import KernelSelection
import StepTiming
public import TraceModel

/// What each step of a replay executed: its batch in figures, the variant chosen and the best one.
///
/// Steps stand in the order in which they were executed, which is that of `ReplayOutcome.outputs`.
public struct StepRecord: Sendable {
  /// One step.
  public struct Entry: Hashable, Sendable {
    /// Rows without padding.
    public var rows: Int32
    /// Rows that the kernel was launched over.
    public var paddedRows: Int32
    /// Rows with more than one new token.
    public var multiTokenRows: Int32
    /// New tokens over all rows.
    public var tokens: Int32
    /// The most new tokens in a row.
    public var maxQueryLength: Int32
    /// The longest row, in tokens to attend to.
    public var maxKVLength: Int32
    /// Tokens to attend to over all rows.
    public var totalKVLength: Int64
    /// Attention over all layers.
    public var attention: Nanoseconds
    /// Everything else on the GPU.
    public var rest: Nanoseconds
    /// Attention above the fastest variant's.
    public var regret: Nanoseconds
    /// Places of the chosen and of the fastest variant in `variants`.
    var variant: UInt16
    var fastest: UInt16
  }

  /// The steps.
  public private(set) var entries: [Entry] = []
  /// Every variant that was chosen or would have been fastest, in order of appearance.
  public private(set) var variants: [KernelVariant] = []

  /// No steps yet.
  public init() {}

  /// Adds a step.
  mutating func add(_ time: StepTime, of batch: BatchSummary) {
    entries.append(
      Entry(
        rows: Int32(clamping: batch.rows), paddedRows: Int32(clamping: batch.paddedRows),
        multiTokenRows: Int32(clamping: batch.multiTokenRows),
        tokens: Int32(clamping: batch.tokens),
        maxQueryLength: Int32(clamping: batch.maxQueryLength),
        maxKVLength: Int32(clamping: batch.maxKVLength),
        totalKVLength: Int64(batch.totalKVLength), attention: time.attention, rest: time.rest,
        regret: time.regret, variant: place(of: time.variant), fastest: place(of: time.fastest)))
  }

  private mutating func place(of variant: KernelVariant) -> UInt16 {
    if let known = variants.firstIndex(of: variant) { return UInt16(known) }
    variants.append(variant)
    return UInt16(variants.count - 1)
  }
}
