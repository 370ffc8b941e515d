public import KernelSelection

/// FlashInfer's paged decode attention, planned once for the batch: equal chunks of KV.
///
/// The plan (FlashInfer, `include/flashinfer/attention/scheduler.cuh`): the smallest chunk of pages for
/// which all chunks of all rows and KV heads fit the GPU at once; no split where rows × KV heads
/// already fill it. Prompts run in another kernel, which this model does not know.
public struct FlashInferModel: KernelModel {
  /// The family that it times.
  public static let family = KernelFamily.flashInfer
  /// What its parameters mean, in order.
  public static let parameterNames = [
    "launch_us", "cta_overhead_tokens", "alone_ns_per_token", "bandwidth_bytes_per_ns", "sharpness",
  ]
  /// Where a fit starts.
  public static let initialParameters = [7.0, 120, 12, 4500, 3]

  /// CTAs that one SM holds.
  private static let residentPerSM = 2
  /// Tokens of the smallest chunk that the planner makes.
  private static let chunkTokensMin = 128

  /// The most CTAs at once for which the pace is tabulated.
  private static let slotsMax = 1024

  private let parameters: [Double]
  private let pace: BandwidthCurve

  /// A model of given parameters, as `parameterNames` orders them.
  public init(parameters: [Double], placement: CTAPlacement) {
    self.parameters = parameters
    pace = BandwidthCurve(
      capacity: Self.slotsMax, alone: parameters[2], bandwidth: parameters[3],
      sharpness: parameters[4])
  }

  /// Microseconds of one call; `nil` where the kernel cannot run such a batch.
  public func microseconds(
    _ variant: KernelVariant, for batch: AttentionBatch, in context: AttentionContext
  ) -> Double? {
    guard batch.summary.isSingleTokenOnly else { return nil }
    let page = context.kvBlockSize
    let slots = Self.residentPerSM * context.smCount
    let chunk = chunkPages(batch.kvLengths, page: page, kvHeads: context.kvHeads, slots: slots)
    var queue = CTAQueue(
      capacity: slots,
      longest: Double((batch.kvLengths.max().map(Int.init) ?? 0) + page) + parameters[1])
    for length in batch.kvLengths {
      let pages = ceilingDivide(max(1, Int(length)), page)
      queue.launch(
        count: ceilingDivide(pages, chunk) * context.kvHeads,
        tokens: Double(min(chunk, pages) * page) + parameters[1])
    }
    return parameters[0] + queue.finish(pace: pace) * context.bytesPerTokenRatio / 1e3
  }

  private func chunkPages(_ lengths: [Int32], page: Int, kvHeads: Int, slots: Int) -> Int {
    var high = 1
    for length in lengths { high = max(high, ceilingDivide(max(1, Int(length)), page)) }
    guard lengths.count * kvHeads < slots else { return high }
    var low = min(high, max(1, Self.chunkTokensMin / page))
    while low < high {
      let middle = (low + high) / 2
      var chunks = 0
      for length in lengths {
        chunks += ceilingDivide(ceilingDivide(max(1, Int(length)), page), middle)
      }
      if chunks * kvHeads > slots { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
