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
  mutating func decodeTime(
    of variant: KernelVariant, _ batch: AttentionBatch, in context: AttentionContext,
    isExact: Bool
  ) throws(TimingError) -> Nanoseconds {
    switch DecodeAnchors(of: batch, isExact: isExact) {
    case .exact(let exact):
      return try answer(of: variant, exact, in: context)
    case .between(let low, let high, let share):
      let lengths = Array(batch.kvLengths.sorted().reversed())
      func shifted(_ shift: Int32) -> AttentionBatch {
        AttentionBatch(
          rows: lengths.map { (1, $0 + shift) }, paddedRows: batch.summary.paddedRows)
      }
      let middle = GPUMeasurementLimits.anchorSpacing / 2 - Int32(share)
      // First, so that the middle's time is the measured one from the first step on.
      try probe(variant, low, shifted(middle), high, in: context)
      let exact = shifted(0)
      if let known = try known(variant, exact, in: context) {
        return counted(known, of: exact, as: \.executed)
      }
      if isEstimated(variant) {
        guard let below = try known(variant, low, in: context),
          let above = try known(variant, high, in: context)
        else { return try answer(of: variant, exact, in: context) }
        return counted(
          DecodeAnchors.time(low: below, high: above, share: share), of: exact, as: \.interpolated)
      }
      let below = try time(of: variant, low, in: context)
      let above = try time(of: variant, high, in: context)
      return counted(
        DecodeAnchors.time(low: below, high: above, share: share), of: exact, as: \.interpolated)
    }
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
