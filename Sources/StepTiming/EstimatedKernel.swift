public import KernelSelection

/// Times of calls that were never measured, from measured calls of the same variant.
///
/// A model fitted to the measured calls (`KernelFit`) times the batch, and what the calls nearest to it
/// took beside that model corrects the time: waves over the SMs, tails and padding, which no model has
/// in full, are alike in batches that are alike. Near is what has the same form (single tokens, or
/// prompts among them) and close logarithms of the sizes that its time follows. Far from every measured
/// call the model stands alone.
public struct EstimatedKernel: Sendable {
  /// Forms of batches that are estimated apart.
  public enum Form: String, Hashable, Sendable, CaseIterable {
    /// Single-token rows alone.
    case decode
    /// Rows of several new tokens, alone or beside single tokens.
    case prompts = "with prompts"

    /// The form of a batch.
    public init(_ batch: BatchSummary) { self = batch.isSingleTokenOnly ? .decode : .prompts }
  }

  /// The kernel that was measured.
  public let variant: KernelVariant
  /// Errors on measured calls that were kept out of the model and of the neighbours, by form.
  ///
  /// A fifth of the calls; where they are few, each fifth in turn. Batches that differ by a number of
  /// tokens that is the same in all rows, as steps of one growing batch do, are kept out together.
  public let heldOut: [Form: FitError]

  private let model: any KernelModel
  private let neighbours: [Form: MeasuredNeighbours]

  /// Fits measured calls of one variant; `nil` where they are too few for its model, or it has none.
  ///
  /// - `placement`: how the GPU that was measured deals CTAs; `nil` for in turn
  public init?(_ measurements: [KernelMeasurement], placement: CTAPlacement? = nil) {
    guard let variant = measurements.first?.variant,
      let fit = KernelFit.fit(
        Self.thinned(measurements), placement: placement, crossValidates: false),
      let type = KernelModels.model(of: variant.family)
    else { return nil }
    self.variant = variant
    let model = type.init(parameters: fit.parameters, placement: fit.placement)
    self.model = model
    neighbours = Self.neighbours(measurements, model)
    var errors: [Form: [Double]] = [:]
    let folds = measurements.map { Self.fold(of: $0.batch) }
    let turns: UInt64 = measurements.count > Self.fittedRowsMax ? 1 : Self.folds
    for fold in 0..<turns {
      let kept = zip(measurements, folds).filter { $0.1 != fold }.map(\.0)
      let left = zip(measurements, folds).filter { $0.1 == fold }.map(\.0)
      // Sought from the fit to all calls; where it ends, the kept ones alone decide.
      guard
        let fit = KernelFit.fit(
          Self.thinned(kept), placement: placement, crossValidates: false, from: fit)
      else { continue }
      let model = type.init(parameters: fit.parameters, placement: fit.placement)
      let neighbours = Self.neighbours(kept, model)
      for form in Form.allCases {
        let judged = Self.thinned(left.filter { Form($0.batch.summary) == form })
        errors[form, default: []] += judged.compactMap { call in
          Self.microseconds(call.variant, for: call.batch, in: call.context, model, neighbours)
            .map { ($0 / call.microseconds - 1).magnitude }
        }
      }
    }
    heldOut = errors.compactMapValues { FitError(absoluteErrors: $0) }
  }

  /// Microseconds of one call; `nil` where no call of the batch's form was measured.
  ///
  /// `batch` is ordered and padded as it is launched.
  public func microseconds(for batch: AttentionBatch, in context: AttentionContext) -> Double? {
    Self.microseconds(variant, for: batch, in: context, model, neighbours)
  }

  private static func microseconds(
    _ variant: KernelVariant, for batch: AttentionBatch, in context: AttentionContext,
    _ model: any KernelModel, _ neighbours: [Form: MeasuredNeighbours]
  ) -> Double? {
    guard let near = neighbours[Form(batch.summary)],
      let time = model.microseconds(variant, for: batch, in: context), time > 0
    else { return nil }
    return time * Elementary.exponential(near.logarithmicCorrection(of: batch))
  }

  private static func neighbours(
    _ measurements: [KernelMeasurement], _ model: any KernelModel
  ) -> [Form: MeasuredNeighbours] {
    var all: [Form: [MeasuredNeighbours.Call]] = [:]
    for call in measurements {
      guard let time = model.microseconds(call.variant, for: call.batch, in: call.context),
        time > 0
      else { continue }
      all[Form(call.batch.summary), default: []].append(
        MeasuredNeighbours.Call(
          call.batch, logarithm: Elementary.logarithm(call.microseconds / time)))
    }
    return all.mapValues(MeasuredNeighbours.init)
  }

  /// Calls that a fit looks at; more take longer, and neighbours say what they would add.
  private static let fittedRowsMax = 200
  /// Parts of which one is kept out.
  private static let folds: UInt64 = 5

  private static func thinned(_ rows: [KernelMeasurement]) -> [KernelMeasurement] {
    guard rows.count > fittedRowsMax else { return rows }
    return (0..<fittedRowsMax).map { rows[$0 * rows.count / fittedRowsMax] }
  }

  /// The part that a batch is of: by its rows' lengths below the longest, which stay as it grows.
  private static func fold(of batch: AttentionBatch) -> UInt64 {
    let longest = Int32(batch.summary.maxKVLength)
    // FNV-1a.
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    func mix(_ value: Int32) {
      hash = (hash ^ UInt64(UInt32(bitPattern: value))) &* 0x100_0000_01b3
    }
    mix(Int32(clamping: batch.summary.paddedRows))
    for length in batch.ascendingKVLengths { mix(longest - length) }
    for query in batch.queryLengths where query > 1 { mix(query) }
    return (hash ^ hash >> 32) % folds
  }
}
