internal import KernelSelection
internal import TraceModel

/// Where a growing batch of single tokens is measured, so that straight lines give all other lengths.
enum DecodeAnchors {
  case exact(AttentionBatch)
  /// The batch shifted down and up to lengths that are measured, and how far up the line it lies.
  case between(low: AttentionBatch, high: AttentionBatch, share: Int64)

  /// Anchors of a batch: rows longest first, shifted so that the longest has a multiple of the
  /// spacing; of an exact one the batch itself, its rows in the engine's order.
  init(of batch: AttentionBatch, isExact: Bool) {
    guard !isExact, batch.summary.isSingleTokenOnly, batch.summary.rows > 0 else {
      self = .exact(batch)
      return
    }
    let padded = batch.summary.paddedRows
    let lengths = Array(batch.kvLengths.sorted().reversed())
    func shifted(_ shift: Int32) -> AttentionBatch {
      AttentionBatch(rows: lengths.map { (1, $0 + shift) }, paddedRows: padded)
    }
    let spacing = GPUMeasurementLimits.anchorSpacing
    let above = lengths[0] % spacing
    // A row may not become empty by the shift.
    guard above > 0, let shortest = lengths.last, shortest > above else {
      self = .exact(shifted(0))
      return
    }
    self = .between(
      low: shifted(-above), high: shifted(spacing - above), share: Int64(above))
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
