public import KernelSelection

/// FlashAttention 3 as vLLM calls it: one CTA per SM, rows split by its own scheduler.
///
/// The scheduler's rule (FlashAttention, `hopper/flash_prepare_scheduler.cu`): blocks per SM =
/// ⌈1.1 × all KV blocks of all tiles × KV heads / SMs⌉, and a row is split into as many parts as it has
/// multiples of that, up to a bound: vLLM's for batches of single tokens, else the one that fills the SMs
/// with the tiles of the longest prompt (`hopper/heuristics.h`), which from 4/5 of the SMs on is 1. A tile is 128 query
/// rows of the heads that share KV. CTAs run in the order of the rows, so a long last row leaves a tail, and beside a
/// prompt a long context is one CTA's work; a kernel near the memory's bandwidth slows each as more run.
public struct FlashAttention3Model: KernelModel {
  /// The family that it times.
  public static let family = KernelFamily.flashAttention3
  /// What its parameters mean, in order.
  public static let parameterNames = [
    "launch_us", "cta_overhead_tokens", "alone_ns_per_token", "bandwidth_bytes_per_ns",
    "combine_us", "tile_ns_per_token", "single_tile_ns_per_token", "tile_overhead_tokens",
    "sharpness", "single_tile_overhead_tokens",
  ]
  /// Where a fit starts.
  public static let initialParameters = [6.0, 100, 8.5, 4500, 2, 12, 12, 200, 4, 500]

  /// KV tokens of a block, for heads of 128.
  private static let kvBlock = 128
  /// Query rows of a tile, of all heads that share KV.
  private static let tileRows = 128
  /// Tiles of a prompt that are launched as one, with the KV of their middle.
  private static let tilesTogether = 4
  /// The most parts of a row that vLLM allows under CUDA graphs.
  private static let splitsMax = 32
  /// The most parts of a row that FlashAttention takes by itself.
  private static let splitsMaxBesidePrompts = 128

  /// A number of parts is taken if it keeps the SMs so near to as busy as the best.
  private static let efficiencyMin = 0.85
  /// From this share of the SMs on, tiles alone keep them busy.
  private static let busyShare = 0.8
  /// Longest rows of no more blocks are not split.
  private static let blocksUnsplit = 4

  /// The most SMs for which the pace is tabulated.
  private static let smCountMax = 512

  private let parameters: [Double]
  private let pace: BandwidthCurve

  /// A model of given parameters, as `parameterNames` orders them.
  public init(parameters: [Double], placement: CTAPlacement) {
    self.parameters = parameters
    pace = BandwidthCurve(
      capacity: Self.smCountMax, alone: parameters[2], bandwidth: parameters[3],
      sharpness: parameters[8])
  }

  /// Microseconds of one call; `nil` where the kernel cannot run such a batch.
  public func microseconds(
    _ variant: KernelVariant, for batch: AttentionBatch, in context: AttentionContext
  ) -> Double? {
    guard batch.summary.rows > 0 else { return parameters[0] }
    return batch.summary.isSingleTokenOnly
      ? singleTokenMicroseconds(batch, context) : mixedMicroseconds(batch, context)
  }

  private func singleTokenMicroseconds(
    _ batch: AttentionBatch, _ context: AttentionContext
  ) -> Double {
    var blocks = 0
    for length in batch.kvLengths { blocks += ceilingDivide(max(1, Int(length)), Self.kvBlock) }
    let blocksPerSM = Self.blocksPerSM(blocks, context)
    let longest = Double(Int(batch.kvLengths.max() ?? 0) + Self.kvBlock) + parameters[1]
    var queue = CTAQueue(capacity: context.smCount, longest: longest)
    var isSplit = false
    for length in batch.kvLengths {
      let rowBlocks = ceilingDivide(max(1, Int(length)), Self.kvBlock)
      let splits = min(ceilingDivide(rowBlocks, blocksPerSM), Self.splitsMax)
      isSplit = isSplit || splits > 1
      queue.launch(
        count: splits * context.kvHeads,
        tokens: Double(ceilingDivide(rowBlocks, splits) * Self.kvBlock) + parameters[1])
    }
    let nanoseconds = queue.finish(pace: pace) * context.bytesPerTokenRatio
    return parameters[0] + nanoseconds / 1e3 + (isSplit ? parameters[4] : 0)
  }

  private func mixedMicroseconds(_ batch: AttentionBatch, _ context: AttentionContext) -> Double {
    let tileTokens = max(1, Self.tileRows * context.kvHeads / context.queryHeads)
    var blocks = 0
    var (longestQuery, longest) = (0, 0)
    for (query, kv) in zip(batch.queryLengths, batch.kvLengths) {
      let tiles = ceilingDivide(max(1, Int(query)), tileTokens)
      blocks += tiles * ceilingDivide(max(1, Int(kv)), Self.kvBlock)
      longestQuery = max(longestQuery, Int(query))
      longest = max(longest, Int(kv))
    }
    let tiles = context.kvHeads * ceilingDivide(longestQuery, tileTokens)
    let splitsMax = Self.splitsMax(tiles: tiles, longest: longest, smCount: context.smCount)
    let blocksPerSM = Self.blocksPerSM(blocks, context)
    let overhead = max(parameters[7] * parameters[5], parameters[9] * parameters[6])
    var queue = CTAQueue(
      capacity: context.smCount,
      longest: Double(longest + Self.kvBlock) * max(parameters[5], parameters[6]) + overhead)
    var isSplit = false
    for (query, kv) in zip(batch.queryLengths, batch.kvLengths) {
      let rowBlocks = ceilingDivide(max(1, Int(kv)), Self.kvBlock)
      let splits = min(splitsMax, ceilingDivide(rowBlocks, blocksPerSM))
      isSplit = isSplit || splits > 1
      if query <= 1 {
        let part = splits == 1 ? Int(kv) : ceilingDivide(rowBlocks, splits) * Self.kvBlock
        queue.launch(
          count: splits * context.kvHeads,
          tokens: (Double(part) + parameters[9]) * parameters[6])
        continue
      }
      // The last tokens of a prompt see the most KV and are computed first.
      var end = Int(query)
      while end > 0 {
        let begin = max(0, end - 1 - (end - 1) % (Self.tilesTogether * tileTokens))
        let seen = Double(Int(kv) - Int(query)) + Double(begin + end + tileTokens) / 2
        let count = ceilingDivide(end - begin, tileTokens) * context.kvHeads * splits
        let part = min(seen, Double(kv)) / Double(splits) + parameters[7]
        queue.launch(count: count, tokens: part * parameters[5])
        end = begin
      }
    }
    // The queue's tokens are nanoseconds: tiles of both kinds compute, and wait for none.
    let nanoseconds = queue.finish(pace: SteadyPace()) * context.bytesPerTokenRatio
    return parameters[0] + nanoseconds / 1e3 + (isSplit ? parameters[4] : 0)
  }

  /// KV blocks of one KV head's tiles that an SM is to take, a tenth more than its share.
  private static func blocksPerSM(_ blocks: Int, _ context: AttentionContext) -> Int {
    max(1, ceilingDivide(ceilingDivide(11 * blocks * context.kvHeads, 10), context.smCount))
  }

  /// The most parts of a row beside prompts: the fewest that keep the SMs about as busy as any number.
  private static func splitsMax(tiles: Int, longest: Int, smCount: Int) -> Int {
    let blocks = ceilingDivide(longest, kvBlock)
    guard Double(tiles) < busyShare * Double(smCount), blocks > blocksUnsplit else { return 1 }
    let efficiencies = (1...min(splitsMaxBesidePrompts, smCount, blocks)).map { splits in
      let waves = Double(tiles * splits) / Double(smCount)
      return waves / waves.rounded(.up)
    }
    let enough = efficiencyMin * (efficiencies.max() ?? 0)
    return 1 + (efficiencies.firstIndex { $0 >= enough } ?? 0)
  }
}

/// Work that is known in nanoseconds, however much runs beside it.
private struct SteadyPace: CTAPace {
  func nanosecondsPerToken(count: Int) -> Double { 1 }
}
