public import KernelSelection

/// FlashAttention 3 as vLLM calls it: one CTA per SM, rows split by its own scheduler.
///
/// The scheduler's rule (FlashAttention, `hopper/flash_prepare_scheduler.cu`): blocks per SM =
/// ⌈1.1 × all KV blocks × KV heads / SMs⌉, and a row is split into as many parts as it has multiples
/// of that. CTAs run in the order of the rows, so a long last row leaves a tail; a kernel near the
/// memory's bandwidth slows each as more run.
public struct FlashAttention3Model: KernelModel {
  /// The family that it times.
  public static let family = KernelFamily.flashAttention3
  /// What its parameters mean, in order.
  public static let parameterNames = [
    "launch_us", "cta_overhead_tokens", "alone_ns_per_token", "bandwidth_bytes_per_ns",
    "combine_us", "prefill_ns_per_token", "tail", "prefill_overhead_tokens", "sharpness",
    "single_in_mixed",
  ]
  /// Where a fit starts.
  public static let initialParameters = [6.0, 100, 8.5, 4500, 2, 14, 0.5, 100, 4, 2]

  /// KV tokens of a block, for heads of 128.
  private static let kvBlock = 128
  /// Query rows of a prompt that one CTA computes.
  private static let queryBlock = 128
  /// The most parts of a row that vLLM allows under CUDA graphs.
  private static let splitsMax = 32

  /// The most SMs for which the pace is tabulated.
  private static let smCountMax = 512

  private let parameters: [Double]
  private let pace: BandwidthCurve

  /// A model of given parameters, as `parameterNames` orders them.
  public init(parameters: [Double]) {
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
    let scaled = ceilingDivide(11 * blocks * context.kvHeads, 10)
    let blocksPerSM = max(1, ceilingDivide(scaled, context.smCount))
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
    var prompts = 0.0
    var singles = 0.0
    var longest = 0.0
    for (query, kv) in zip(batch.queryLengths, batch.kvLengths) {
      if query == 1 {
        singles += Double(context.kvHeads) * (Double(kv) + parameters[1])
        continue
      }
      let blocks = Double(ceilingDivide(Int(query), Self.queryBlock))
      let mean = Double(kv) - max(0, Double(Int(query) - Self.queryBlock)) / 2
      prompts += blocks * Double(context.queryHeads) * (mean + parameters[7])
      longest = max(longest, Double(kv) + parameters[7])
    }
    let work = prompts * parameters[5] + singles * parameters[2] * parameters[9]
    let nanoseconds =
      work / Double(context.smCount) + parameters[6] * longest * parameters[5]
    return parameters[0] + nanoseconds * context.bytesPerTokenRatio / 1e3
  }
}
