internal import KernelSelection
internal import MeasurementStore
internal import StepTiming
internal import TraceModel

/// How far interpolated times were from measured ones, where the middle was measured too.
struct InterpolationProbes {
  private var keys: Set<String> = []
  private var errors: [Double] = []

  /// Absolute relative errors of all probes; `nil` without one.
  var error: FitError? { FitError(absoluteErrors: errors) }

  /// Whether a pair is one of those that are probed: chosen by its key, so the same in every run.
  static func includes(_ key: String) -> Bool {
    // FNV-1a.
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in key.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    return (hash ^ hash >> 32) % GPUMeasurementLimits.probedPairShare == 0
  }

  /// Whether a pair is new.
  mutating func begin(_ key: String) -> Bool { keys.insert(key).inserted }

  mutating func add(interpolated: Nanoseconds, measured: Nanoseconds) {
    guard measured > .zero else { return }
    errors.append((interpolated.seconds / measured.seconds - 1).magnitude)
  }
}

/// A batch of single tokens at its lower anchor, and what is known at both, while it grows from one to
/// the other.
///
/// Shared, since each step looks at it.
final class GrowingBatch: Sendable {
  /// Times at both anchors.
  typealias Ends = (low: Nanoseconds, high: Nanoseconds)

  private let low: AttentionBatch
  private let heads: SIMD4<Int>
  /// `nil` where one of them was not measured.
  let ends: Ends?

  init(low: AttentionBatch, in context: AttentionContext, ends: Ends?) {
    self.low = low
    self.ends = ends
    heads = Self.heads(of: context)
  }

  /// What of a context a measurement is known by.
  private static func heads(of context: AttentionContext) -> SIMD4<Int> {
    [context.queryHeads, context.kvHeads, context.headSize, context.kvBlockSize]
  }

  /// How far above the lower anchor a batch lies; `nil` for one of other rows or heads, and at the anchors.
  func share(of batch: AttentionBatch, in context: AttentionContext) -> Int64? {
    let share = Int32(batch.summary.maxKVLength - low.summary.maxKVLength)
    guard share > 0, share < GPUMeasurementLimits.anchorSpacing,
      batch.summary.paddedRows == low.summary.paddedRows,
      batch.kvLengths.count == low.kvLengths.count, heads == Self.heads(of: context)
    else { return nil }
    var differences: Int32 = 0
    for index in low.kvLengths.indices {
      differences |= batch.kvLengths[index] &- low.kvLengths[index] &- share
    }
    return differences == 0 ? Int64(share) : nil
  }
}

/// The batches that grow under one variant, by the order of their rows.
struct GrowingBatches {
  /// In the order in which the variant's kernels are measured.
  var inOrder: GrowingBatch?
  /// With the longest row first.
  var longestFirst: GrowingBatch?
  /// Between estimates, where measurements have neither.
  var estimated: GrowingBatch?
}

// Decode batches that grow by one token a step.
extension MeasuredTimes {
  /// The time of a batch of single-token rows, between two measured neighbours where that is allowed, and
  /// between two estimated ones where nothing can be executed.
  ///
  /// Where nothing can be executed and the batch was not in this order, the time with the longest row
  /// first stands for it.
  mutating func decodeTime(
    of variant: KernelVariant, _ batch: AttentionBatch, in context: AttentionContext,
    isExact: Bool
  ) throws(TimingError) -> Nanoseconds {
    if isExact {
      if let time = try known(variant, batch, in: context) {
        return counted(time, of: batch, as: \.executed)
      }
      return try answer(of: variant, batch, in: context)
    }
    let batch = batch.measuredOrder(for: variant.family)
    if let time = try known(variant, batch, as: \.inOrder, in: context) { return time }
    guard isEstimated(variant) else {
      guard case .between(let low, let high, let share) = DecodeAnchors(of: batch) else {
        return try answer(of: variant, batch, in: context)
      }
      let below = try time(of: variant, low, in: context)
      let above = try time(of: variant, high, in: context)
      return onLine((below, above), share, of: batch, as: \.interpolated)
    }
    // What grows between estimates was not measured in any order.
    if let last = growing[variant]?.estimated, let share = last.share(of: batch, in: context),
      let ends = last.ends
    {
      return onLine(ends, share, of: batch, as: \.estimated)
    }
    if variant.family.timeFollowsRowOrder,
      let time = try known(variant, batch.longestFirst, as: \.longestFirst, in: context)
    {
      return time
    }
    guard case .between(let low, let high, let share) = DecodeAnchors(of: batch),
      let below = estimate(variant, low, in: context),
      let above = estimate(variant, high, in: context)
    else { return try answer(of: variant, batch, in: context) }
    growing[variant, default: GrowingBatches()].estimated = GrowingBatch(
      low: low, in: context, ends: (below, above))
    return onLine((below, above), share, of: batch, as: \.estimated)
  }

  /// The time that measurements give a batch in some order of its rows, or both of its anchors; `nil` where
  /// there are none.
  private mutating func known(
    _ variant: KernelVariant, _ batch: AttentionBatch,
    as order: WritableKeyPath<GrowingBatches, GrowingBatch?>, in context: AttentionContext
  ) throws(TimingError) -> Nanoseconds? {
    if let last = growing[variant]?[keyPath: order],
      let share = last.share(of: batch, in: context)
    {
      if let time = try known(variant, batch, in: context) {
        return counted(time, of: batch, as: \.executed)
      }
      return last.ends.map { onLine($0, share, of: batch, as: \.interpolated) }
    }
    let anchors = DecodeAnchors(of: batch)
    if order == \.inOrder, case .between(let low, let high, _) = anchors {
      // First, so that the middle's time is the measured one from the first step on.
      try probe(variant, low, high, in: context)
    }
    if let time = try known(variant, batch, in: context) {
      return counted(time, of: batch, as: \.executed)
    }
    guard case .between(let low, let high, let share) = anchors else { return nil }
    var ends: GrowingBatch.Ends?
    if let time = try known(variant, low, in: context) {
      ends = try known(variant, high, in: context).map { (time, $0) }
    }
    // Else what can be executed is about to be.
    if ends != nil || isEstimated(variant) {
      growing[variant, default: GrowingBatches()][keyPath: order] = GrowingBatch(
        low: low, in: context, ends: ends)
    }
    return ends.map { onLine($0, share, of: batch, as: \.interpolated) }
  }

  private mutating func onLine(
    _ ends: GrowingBatch.Ends, _ share: Int64, of batch: AttentionBatch,
    as way: WritableKeyPath<MeasuredAnswers, Int>
  ) -> Nanoseconds {
    counted(
      DecodeAnchors.time(low: ends.low, high: ends.high, share: share), of: batch, as: way)
  }

  /// Measures the middle of a chosen pair and keeps how far the straight line is from it.
  ///
  /// Without a GPU it counts where the measurements have all three.
  private mutating func probe(
    _ variant: KernelVariant, _ low: AttentionBatch, _ high: AttentionBatch,
    in context: AttentionContext
  ) throws(TimingError) {
    let text = BatchKey(low, in: context, elementType: Self.element).text
    let key = "\(variant.name) \(text)"
    guard InterpolationProbes.includes(key), probes.begin(key) else { return }
    let middle = low.shifted(by: GPUMeasurementLimits.anchorSpacing / 2)
    if bench == nil {
      for batch in [low, middle, high] where try known(variant, batch, in: context) == nil {
        return
      }
    }
    let ends = (
      try time(of: variant, low, in: context), try time(of: variant, high, in: context)
    )
    probes.add(
      interpolated: Nanoseconds((ends.0.rawValue + ends.1.rawValue) / 2),
      measured: try time(of: variant, middle, in: context))
  }
}
