public import KernelSelection

/// Unified Triton attention with each row's KV split into segments, and the reduction over them.
///
/// Every row and KV head has up to `segments` CTAs of equal work, in whole tiles, so a row of 257
/// tokens fills fewer segments than one of 256. The rest of the grid is idle: segments that a short row
/// has no work for, padding rows, and the surplus of the upper bound on query blocks; each finds that
/// out and exits. An SM holds five CTAs; what does not fit waits, and the grid's order is segment after
/// segment, so the last segments of a long row start late. While all CTAs that were launched run, the SMs
/// hold equally many. As those of short rows end, the ones that go on are not spread anew: on some SMs
/// several are left, and on others none. The time is that of the fuller SMs, whose load is above the mean
/// by `crowding` times the deviation of a random choice.
///
/// The reduction reads one partial result per segment and costs per row, padding included. Rows of up
/// to eight new tokens, which vLLM runs so since 0.33, have a CTA more for each further query block;
/// only batches of single tokens were measured.
public struct Triton3DModel: KernelModel {
  /// The family that it times.
  public static let family = KernelFamily.triton3D
  /// What its parameters mean, in order.
  public static let parameterNames = [
    "launch_us", "cta_overhead_tokens", "alone_ns_per_token", "growth_to_2", "growth_to_3",
    "growth_to_5", "reduce_us_per_row", "crowding", "idle_cta_tokens",
  ]
  /// Where a fit starts.
  public static let initialParameters = [3.0, 20, 78, 1.1, 1.2, 1.05, 0.1, 1, 5]

  /// Tokens that a CTA reads per iteration.
  private static let tile = 16
  /// CTAs that one SM of an H200 holds: with five equal rows of 16 segments and 8 KV heads (4.8 CTAs per
  /// SM) all run at once, with six a second wave follows.
  private static let residentPerSM = 5

  private let launch: Double
  private let overhead: Double
  private let curve: ConcurrencyCurve
  private let reducePerRow: Double
  private let crowding: Double
  private let idle: Double

  /// A model of given parameters, as `parameterNames` orders them.
  public init(parameters: [Double], placement: CTAPlacement) {
    launch = parameters[0]
    overhead = parameters[1]
    curve = ConcurrencyCurve(
      knots: [1, 2, 3, Double(Self.residentPerSM)], first: parameters[2],
      growth: parameters[3...5])
    reducePerRow = parameters[6]
    crowding = parameters[7]
    idle = parameters[8]
  }

  /// Microseconds of one call; `nil` where the kernel cannot run such a batch.
  public func microseconds(
    _ variant: KernelVariant, for batch: AttentionBatch, in context: AttentionContext
  ) -> Double? {
    guard batch.summary.maxQueryLength <= VLLM033Policy.queryLengthMax else { return nil }
    let groups = groups(batch, variant.segments, context)
    let total = batch.summary.queryBlocks(in: context) * context.kvHeads * variant.segments
    let capacity = Self.residentPerSM * context.smCount
    let pace = CrowdedPace(
      curve: curve, crowding: crowding, launched: min(total, capacity), smCount: context.smCount)
    let nanoseconds =
      total <= capacity && batch.summary.isSingleTokenOnly
      ? together(groups, total, pace)
      : inTurn(groups, total / variant.segments, variant.segments, capacity, pace)
    return launch + nanoseconds * context.bytesPerTokenRatio / 1e3
      + reducePerRow * Double(max(batch.summary.paddedRows, batch.summary.tokens))
      * Double(variant.segments) / 16
      * Double(context.queryHeads) / 32
  }

  /// Rows that are cut alike.
  private struct Group {
    /// CTAs in each segment, all KV heads.
    var ctas: Int
    /// Segments that have work.
    let segments: Int
    /// KV tokens of a CTA.
    let tokens: Int
  }

  /// The rows, longest first where they have one token each, else in the batch's order.
  private func groups(
    _ batch: AttentionBatch, _ segments: Int, _ context: AttentionContext
  ) -> [Group] {
    var groups: [Group] = []
    func add(_ length: Int32, ctas: Int) {
      let tiles = ceilingDivide(max(1, Int(length)), Self.tile)
      let tilesPerSegment = ceilingDivide(tiles, segments)
      let active = ceilingDivide(tiles, tilesPerSegment)
      let tokens = tilesPerSegment * Self.tile
      if let last = groups.last, last.tokens == tokens, last.segments == active {
        groups[groups.count - 1].ctas += ctas
      } else {
        groups.append(Group(ctas: ctas, segments: active, tokens: tokens))
      }
    }
    if batch.summary.isSingleTokenOnly {
      for length in batch.ascendingKVLengths.reversed() { add(length, ctas: context.kvHeads) }
    } else {
      let blockQ = context.queryTokensPerBlock
      for (query, kv) in zip(batch.queryLengths, batch.kvLengths) {
        add(kv, ctas: ceilingDivide(Int(query), blockQ) * context.kvHeads)
      }
    }
    return groups
  }

  /// Nanoseconds of a launch that the GPU holds whole; `groups` longest first.
  private func together(_ groups: [Group], _ total: Int, _ pace: CrowdedPace) -> Double {
    var running = groups.reduce(0) { $0 + $1.ctas * $1.segments }
    var nanoseconds = 0.0
    var done = 0.0
    if running < total {
      nanoseconds = idle * pace.nanosecondsPerToken(count: total)
      done = idle
    }
    for group in groups.reversed() {
      let tokens = Double(group.tokens) + overhead
      if tokens > done {
        nanoseconds += (tokens - done) * pace.nanosecondsPerToken(count: running)
        done = tokens
      }
      running -= group.ctas * group.segments
    }
    return nanoseconds
  }

  /// Nanoseconds of a launch whose CTAs wait for each other; `width` of them in each segment.
  private func inTurn(
    _ groups: [Group], _ width: Int, _ segments: Int, _ capacity: Int, _ pace: CrowdedPace
  ) -> Double {
    let longest = groups.lazy.map(\.tokens).max() ?? 0
    var queue = CTAQueue(capacity: capacity, longest: max(Double(longest) + overhead, idle))
    for segment in 0..<segments {
      var idleCTAs = width
      // Rows that differ only in how many segments they fill are launched as one.
      var alike = 0
      var tokens = 0
      for group in groups where segment < group.segments {
        if group.tokens != tokens {
          queue.launch(count: alike, tokens: Double(tokens) + overhead)
          (alike, tokens) = (0, group.tokens)
        }
        alike += group.ctas
        idleCTAs -= group.ctas
      }
      queue.launch(count: alike, tokens: Double(tokens) + overhead)
      queue.launch(count: max(0, idleCTAs), tokens: idle)
    }
    return queue.finish(pace: pace)
  }
}

/// Nanoseconds per KV token of CTAs that are left of a launch, on the SMs where most are left.
private struct CrowdedPace: CTAPace {
  let curve: ConcurrencyCurve
  let crowding: Double
  /// CTAs that ran at once when the GPU was fullest.
  let launched: Int
  let smCount: Int

  func nanosecondsPerToken(count: Int) -> Double {
    let mean = Double(count) / Double(smCount)
    let gone = 1 - Double(count) / Double(max(1, launched))
    return curve.nanosecondsPerToken(load: mean + crowding * (mean * max(0, gone)).squareRoot())
  }
}
