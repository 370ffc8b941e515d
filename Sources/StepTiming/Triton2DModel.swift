public import KernelSelection

/// Unified Triton attention without a split: one CTA per query block and KV head walks the whole row.
///
/// A batch of single tokens takes as long as its slowest SM. All CTAs start together, the hardware deals
/// them to SMs (`CTAPlacement`), and none is moved when others have ended. On an SM of its own a CTA
/// advances at the pace of its own loads, or of its share of the memory's bandwidth; beside others it is
/// slower, until those have ended. The grid is sized by an upper bound on query blocks, padding rows
/// included; the surplus CTAs exit at once, but not before they have taken their turn. A launch larger than
/// any whose placement was measured is taken to load all SMs alike.
///
/// CTAs of which fewer than 24 run are slower by up to `few_ctas_excess`, but those of a launch for a single
/// row are not. So it was measured, alone and in the engine; the cause is not known.
///
/// A batch with prompts has thousands of CTAs: its time is their work over the GPU's pace, and the tail of
/// the last long ones.
public struct Triton2DModel: KernelModel {
  /// The family that it times.
  public static let family = KernelFamily.triton2D
  /// What its parameters mean, in order.
  public static let parameterNames = [
    "launch_us", "cta_overhead_tokens", "alone_ns_per_token", "growth_to_2", "growth_to_4",
    "growth_to_8", "bandwidth_bytes_per_ns", "sharpness", "few_ctas_excess", "prefill_pace", "tail",
  ]
  /// Where a fit starts.
  public static let initialParameters = [1, 60, 42.5, 1.09, 1.17, 1.65, 4000, 2.4, 0.05, 1.3, 0.5]

  /// CTAs of a prompt-laden launch that one SM holds.
  private static let residentPerSM = 4.0

  private let launch: Double
  private let overhead: Double
  private let alone: Double
  private let pace: SharedPace
  private let placement: CTAPlacement
  private let prefillPace: Double
  private let tail: Double

  /// A model of given parameters, as `parameterNames` orders them.
  public init(parameters: [Double], placement: CTAPlacement) {
    launch = parameters[0]
    overhead = parameters[1]
    alone = parameters[2]
    pace = SharedPace(
      sharing: ConcurrencyCurve(knots: [1, 2, 4, 8], first: alone, growth: parameters[3...5]),
      bandwidth: parameters[6], sharpness: parameters[7], fewExcess: parameters[8],
      smCount: placement.smCount)
    self.placement = placement
    prefillPace = parameters[9]
    tail = parameters[10]
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
    let heads = context.kvHeads
    let blocks = batch.summary.queryBlocks(in: context)
    let isOneRow = batch.summary.paddedRows == 1
    let ctas = blocks * heads
    if ctas <= context.smCount {
      return FluidSweep.nanoseconds(ascending: batch.ascendingKVLengths, overhead: overhead) {
        pace.nanosecondsPerToken(onSM: 1, running: $0 * heads, isOneRow: isOneRow)
      }
    }
    let blockQ = context.queryTokensPerBlock
    guard placement.smCount == context.smCount, let sms = placement.sms(ctas: ctas) else {
      let loadPerRow = Double(ctas) / Double(batch.summary.rows) / Double(context.smCount)
      return FluidSweep.nanoseconds(
        ascending: batch.ascendingKVLengths, overhead: overhead
      ) { rows in
        pace.nanosecondsPerToken(load: Double(rows) * loadPerRow, running: rows * heads)
      }
    }
    return SharedSMs.nanoseconds(
      ascending: batch.ascendingKVLengths, overhead: overhead, smCount: context.smCount,
      ctasPerRow: heads,
      sm: { rank, head in
        let row = Int(batch.ascendingRows[rank])
        return Int(sms[row + row / blockQ + head * blocks])
      },
      pace: { onSM, rows in
        pace.nanosecondsPerToken(onSM: onSM, running: rows * heads, isOneRow: isOneRow)
      })
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
    let shared =
      tokens * Double(context.kvHeads) * alone * prefillPace
      / (Self.residentPerSM * Double(context.smCount))
    return max(shared + tail * longestPrompt * alone, tail * shared + longestSingle * alone)
  }
}
