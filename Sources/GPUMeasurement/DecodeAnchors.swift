internal import KernelSelection
internal import TraceModel

/// Where a growing batch of single tokens is measured, so that straight lines give all other lengths.
enum DecodeAnchors {
  case exact(AttentionBatch)
  /// The batch shifted down and up to lengths that are measured, and how far up the line it lies.
  case between(low: AttentionBatch, high: AttentionBatch, share: Int64)

  /// Anchors of a batch: shifted so that its longest row has a multiple of the spacing; of an exact
  /// one the batch itself.
  ///
  /// Rows keep the engine's order for kernels whose time depends on it; for the others the longest
  /// comes first.
  init(of batch: AttentionBatch, for family: KernelFamily, isExact: Bool) {
    self.init(of: isExact ? batch : batch.measuredOrder(for: family), isExact: isExact)
  }

  /// Anchors of a batch whose rows are in the order that is wanted.
  init(of batch: AttentionBatch, isExact: Bool = false) {
    let spacing = GPUMeasurementLimits.anchorSpacing
    let above = Int32(batch.summary.maxKVLength) % spacing
    // A row may not become empty by the shift.
    guard !isExact, batch.summary.isSingleTokenOnly, above > 0,
      let shortest = batch.kvLengths.min(), shortest > above
    else {
      self = .exact(batch)
      return
    }
    self = .between(
      low: batch.shifted(by: -above), high: batch.shifted(by: spacing - above), share: Int64(above))
  }

  /// The batches to measure.
  var measured: [AttentionBatch] {
    switch self {
    case .exact(let batch): [batch]
    case .between(let low, let high, _): [low, high]
    }
  }

  /// The time on the line between both anchors.
  static func time(low: Nanoseconds, high: Nanoseconds, share: Int64) -> Nanoseconds {
    Nanoseconds(
      low.rawValue
        + (high.rawValue - low.rawValue) * share / Int64(GPUMeasurementLimits.anchorSpacing))
  }
}

extension AttentionBatch {
  /// The batch in the order in which kernels of a family are measured on it.
  func measuredOrder(for family: KernelFamily) -> AttentionBatch {
    family.timeFollowsRowOrder ? self : longestFirst
  }

  /// The batch with the longest row first; rows of several new tokens stay where they are.
  var longestFirst: AttentionBatch {
    guard summary.isSingleTokenOnly else { return self }
    return AttentionBatch(
      rows: ascendingKVLengths.reversed().map { (1, $0) }, paddedRows: summary.paddedRows)
  }

  /// The batch with every row so many tokens longer.
  func shifted(by tokens: Int32) -> AttentionBatch {
    AttentionBatch(
      rows: zip(queryLengths, kvLengths).map { ($0, $1 + tokens) }, paddedRows: summary.paddedRows)
  }
}
