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

// Decode batches that grow by one token a step.
extension MeasuredTimes {
  /// The time of a batch of single-token rows, between two measured neighbours where that is allowed.
  ///
  /// Where nothing can be executed and the batch was not in this order, the time with the longest row
  /// first stands for it.
  mutating func decodeTime(
    of variant: KernelVariant, _ batch: AttentionBatch, in context: AttentionContext,
    isExact: Bool
  ) throws(TimingError) -> Nanoseconds {
    let batch = isExact ? batch : batch.measuredOrder(for: variant.family)
    let anchors = DecodeAnchors(of: batch, isExact: isExact)
    if case .between(let low, let high, let share) = anchors {
      let middle = GPUMeasurementLimits.anchorSpacing / 2 - Int32(share)
      // First, so that the middle's time is the measured one from the first step on.
      try probe(variant, low, batch.shifted(by: middle), high, in: context)
    }
    if let time = try known(variant, anchors, of: batch, in: context) { return time }
    guard isEstimated(variant) else {
      guard case .between(let low, let high, let share) = anchors else {
        return try answer(of: variant, batch, in: context)
      }
      let below = try time(of: variant, low, in: context)
      let above = try time(of: variant, high, in: context)
      return counted(
        DecodeAnchors.time(low: below, high: above, share: share), of: batch, as: \.interpolated)
    }
    if variant.family.timeFollowsRowOrder {
      let sorted = batch.longestFirst
      let anchors = DecodeAnchors(of: sorted, isExact: isExact)
      if let time = try known(variant, anchors, of: sorted, in: context) { return time }
    }
    return try answer(of: variant, batch, in: context)
  }

  /// The time that measurements give a batch, or both of its anchors; `nil` where there are none.
  private mutating func known(
    _ variant: KernelVariant, _ anchors: DecodeAnchors, of batch: AttentionBatch,
    in context: AttentionContext
  ) throws(TimingError) -> Nanoseconds? {
    if let time = try known(variant, batch, in: context) {
      return counted(time, of: batch, as: \.executed)
    }
    guard case .between(let low, let high, let share) = anchors,
      let below = try known(variant, low, in: context),
      let above = try known(variant, high, in: context)
    else { return nil }
    return counted(
      DecodeAnchors.time(low: below, high: above, share: share), of: batch, as: \.interpolated)
  }

  /// Measures the middle of a chosen pair and keeps how far the straight line is from it.
  ///
  /// Without a GPU it counts where the measurements have all three.
  private mutating func probe(
    _ variant: KernelVariant, _ low: AttentionBatch, _ middle: AttentionBatch,
    _ high: AttentionBatch, in context: AttentionContext
  ) throws(TimingError) {
    let text = BatchKey(low, in: context, elementType: Self.element).text
    let key = "\(variant.name) \(text)"
    guard InterpolationProbes.includes(key), probes.begin(key) else { return }
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
