public import KernelSelection

/// Unified Triton attention without a split: one CTA per query block and KV head walks the whole row.
///
/// A batch of single tokens takes as long as its longest row: all CTAs start together, and as short
/// rows end, the others speed up. The grid is sized by an upper bound on query blocks, padding rows
/// included; the surplus CTAs exit at once, but not before they have pushed real ones together on the
/// same SMs, so the load is counted in launched CTAs. A batch with prompts has thousands of CTAs: its
/// time is their work over the GPU's pace, and the tail of the last long ones.
public struct Triton2DModel: KernelModel {
  /// The family that it times.
  public static let family = KernelFamily.triton2D
  /// What its parameters mean, in order.
  public static let parameterNames = [
    "launch_us", "cta_overhead_tokens", "alone_ns_per_token", "growth_to_1.25", "growth_to_2.5",
    "growth_to_5", "growth_to_10", "prefill_pace", "tail",
  ]
  /// Where a fit starts.
  public static let initialParameters = [3.0, 20, 43, 1.1, 1.2, 1.1, 1.5, 1.3, 0.5]

  /// CTAs of a prompt-laden launch that one SM holds.
  private static let residentPerSM = 4.0

  private let launch: Double
  private let overhead: Double
  private let curve: ConcurrencyCurve
  private let prefillPace: Double
  private let tail: Double

  /// A model of given parameters, as `parameterNames` orders them.
  public init(parameters: [Double]) {
    launch = parameters[0]
    overhead = parameters[1]
    curve = ConcurrencyCurve(
      knots: [1, 1.25, 2.5, 5, 10], first: parameters[2], growth: parameters[3...6])
    prefillPace = parameters[7]
    tail = parameters[8]
  }

  /// Microseconds of one call; `nil` where the kernel cannot run such a batch.
  public func microseconds(
    _ variant: KernelVariant, for batch: AttentionBatch, in context: AttentionContext
  ) -> Double? {
    guard batch.summary.rows > 0 else { return launch }
    let nanoseconds =
      batch.summary.isSingleTokenOnly
      ? singleTokenNanoseconds(batch, context) : mixedNanoseconds(batch, context)
    return launch + nanoseconds * context.bytesPerTokenRatio / 1e3
  }

  private func singleTokenNanoseconds(
    _ batch: AttentionBatch, _ context: AttentionContext
  ) -> Double {
    let launched = Double(batch.summary.queryBlocks(in: context) * context.kvHeads)
    let loadPerRow = launched / Double(batch.summary.rows) / Double(context.smCount)
    return FluidSweep.nanoseconds(ascending: batch.ascendingKVLengths, overhead: overhead) { rows in
      curve.nanosecondsPerToken(load: Double(rows) * loadPerRow)
    }
  }

  private func mixedNanoseconds(_ batch: AttentionBatch, _ context: AttentionContext) -> Double {
    let blockQ = context.queryTokensPerBlock
    var tokens = 0.0
    var longestPrompt = 0.0
    var longestSingle = 0.0
    for (query, kv) in zip(batch.queryLengths, batch.kvLengths) {
      let blocks = Double(ceilingDivide(Int(query), blockQ))
      // Causal: the first query block of a prompt sees little, the last sees all of the row.
      let mean = Double(kv) - max(0, Double(Int(query) - blockQ)) / 2
      tokens += blocks * (mean + overhead)
      if query > 1 {
        longestPrompt = max(longestPrompt, Double(kv) + overhead)
      } else {
        longestSingle = max(longestSingle, Double(kv) + overhead)
      }
    }
    let alone = curve.values[0]
    let shared =
      tokens * Double(context.kvHeads) * alone * prefillPace
      / (Self.residentPerSM * Double(context.smCount))
    return max(shared + tail * longestPrompt * alone, tail * shared + longestSingle * alone)
  }
}
