public import KernelSelection

/// Unified Triton attention with each row's KV split into segments, and the reduction over them.
///
/// Every row and KV head has up to `segments` CTAs of equal work, in whole tiles, so a row of 257
/// tokens fills fewer segments than one of 256. Skewed batches lose little: even the longest row is
/// spread. The reduction reads one partial result per segment and costs per row, padding included.
/// Rows of up to eight new tokens, which vLLM runs so since 0.33, have a CTA more for each further
/// query block; only batches of single tokens were measured.
public struct Triton3DModel: KernelModel {
  /// The family that it times.
  public static let family = KernelFamily.triton3D
  /// What its parameters mean, in order.
  public static let parameterNames = [
    "launch_us", "cta_overhead_tokens", "alone_ns_per_token", "growth_to_4", "growth_to_8",
    "growth_to_16", "growth_to_64", "reduce_us_per_row",
  ]
  /// Where a fit starts.
  public static let initialParameters = [4.0, 5, 78, 1.5, 1.6, 1.9, 4, 0.3]

  /// Tokens that a CTA reads per iteration.
  private static let tile = 16
  /// The most new tokens of a row (vLLM 0.33, `MAX_3D_QUERY_LEN`).
  private static let queryLengthMax = 8

  private let launch: Double
  private let overhead: Double
  private let curve: ConcurrencyCurve
  private let reducePerRow: Double

  /// A model of given parameters, as `parameterNames` orders them.
  public init(parameters: [Double]) {
    launch = parameters[0]
    overhead = parameters[1]
    curve = ConcurrencyCurve(
      knots: [1, 4, 8, 16, 64], first: parameters[2], growth: parameters[3...6])
    reducePerRow = parameters[7]
  }

  /// Microseconds of one call; `nil` where the kernel cannot run such a batch.
  public func microseconds(
    _ variant: KernelVariant, for batch: AttentionBatch, in context: AttentionContext
  ) -> Double? {
    guard batch.summary.maxQueryLength <= Self.queryLengthMax else { return nil }
    let segments = variant.segments
    let further = batch.summary.isSingleTokenOnly ? 0 : furtherCTAs(batch, segments, context)
    let rows = batch.ascendingKVLengths
    var active = 0
    for length in rows { active += Self.split(Int(length), segments).active }
    var nanoseconds = 0.0
    var done = -overhead
    for length in rows {
      let part = Self.split(Int(length), segments)
      let tokens = Double(part.tokens)
      if tokens > done {
        let load = Double((active + further) * context.kvHeads) / Double(context.smCount)
        nanoseconds += (tokens - done) * curve.nanosecondsPerToken(load: load)
        done = tokens
      }
      active -= part.active
    }
    return launch + nanoseconds * context.bytesPerTokenRatio / 1e3
      + reducePerRow * Double(max(batch.summary.paddedRows, batch.summary.tokens))
      * Double(segments) / 16
      * Double(context.queryHeads) / 32
  }

  /// CTAs per KV head of query blocks beyond each row's first; they are taken to run throughout.
  private func furtherCTAs(
    _ batch: AttentionBatch, _ segments: Int, _ context: AttentionContext
  ) -> Int {
    let blockQ = context.queryTokensPerBlock
    return zip(batch.queryLengths, batch.kvLengths).reduce(0) { sum, row in
      let blocks = ceilingDivide(Int(row.0), blockQ) - 1
      return sum + blocks * Self.split(Int(row.1), segments).active
    }
  }

  /// How a row of `length` tokens is cut: segments that have work, and tokens of each.
  @inline(__always)
  private static func split(_ length: Int, _ segments: Int) -> (active: Int, tokens: Int) {
    let tiles = ceilingDivide(max(1, length), tile)
    let tilesPerSegment = ceilingDivide(tiles, segments)
    return (ceilingDivide(tiles, tilesPerSegment), tilesPerSegment * tile)
  }
}
