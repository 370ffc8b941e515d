public import KernelSelection

/// One measured attention call.
public struct KernelMeasurement: Sendable {
  /// The rows, ordered and padded as launched.
  public var batch: AttentionBatch
  /// Heads, blocks, GPU.
  public var context: AttentionContext
  /// The kernel.
  public var variant: KernelVariant
  /// Microseconds of one call.
  public var microseconds: Double
  /// How far that may be off, as a fraction of it, beside what a model gets wrong.
  public var uncertainty: Double
  /// Whether the call was one of an engine's steps, not one of a benchmark.
  public var isInEngine: Bool
  /// Microseconds of the same call between the matrix products of a step; `nil` where it was not so measured.
  public var inPlace: Double?

  /// A measured call; `microseconds` is above zero.
  public init(
    batch: AttentionBatch, context: AttentionContext, variant: KernelVariant, microseconds: Double,
    uncertainty: Double = 0, isInEngine: Bool = false, inPlace: Double? = nil
  ) {
    self.batch = batch
    self.context = context
    self.variant = variant
    self.microseconds = microseconds
    self.uncertainty = uncertainty
    self.isInEngine = isInEngine
    self.inPlace = inPlace
  }
}

/// How far a fitted model is from measurements, as absolute relative errors.
public struct FitError: Hashable, Sendable {
  /// Half of the rows are nearer than this.
  public var median: Double
  /// Nine of ten rows are nearer than this.
  public var p90: Double
  /// The worst row.
  public var max: Double
  /// Rows looked at.
  public var rows: Int

  /// An error of given quantiles, as fractions of the measured time.
  public init(median: Double, p90: Double, max: Double, rows: Int) {
    self.median = median
    self.p90 = p90
    self.max = max
    self.rows = rows
  }

  /// Quantiles (linear between neighbours) of absolute errors; `nil` without any.
  public init?(absoluteErrors: [Double]) {
    guard !absoluteErrors.isEmpty else { return nil }
    let sorted = absoluteErrors.sorted()
    func quantile(_ share: Double) -> Double {
      let position = share * Double(sorted.count - 1)
      let below = Int(position)
      let above = min(below + 1, sorted.count - 1)
      return sorted[below] + (sorted[above] - sorted[below]) * (position - Double(below))
    }
    self.init(
      median: quantile(0.5), p90: quantile(0.9), max: sorted[sorted.count - 1], rows: sorted.count)
  }
}

/// A kernel model with its parameters and the errors of the fit.
public struct FittedKernel: Sendable {
  /// The kernel that was measured.
  public var variant: KernelVariant
  /// One value per `KernelModel.parameterNames` of its family.
  public var parameters: [Double]
  /// Which SM each CTA of a launch goes to, on the GPU that was measured.
  public var placement: CTAPlacement
  /// What a call in an engine's step takes beyond the call alone.
  public var engineExtra: EngineExtra
  /// Errors on the rows that the parameters were fitted to.
  public var fitted: FitError
  /// Errors on rows left out: each fifth of the rows timed by a fit to the other four.
  public var heldOut: FitError

  /// A fit's outcome.
  public init(
    variant: KernelVariant, parameters: [Double], placement: CTAPlacement,
    engineExtra: EngineExtra = .none, fitted: FitError, heldOut: FitError
  ) {
    self.variant = variant
    self.parameters = parameters
    self.placement = placement
    self.engineExtra = engineExtra
    self.fitted = fitted
    self.heldOut = heldOut
  }
}

/// Finds a kernel model's parameters from measured calls of one variant.
///
/// Residuals are logarithms of predicted over measured time, so a microsecond of a short call counts
/// as much as a millisecond of a long one; beyond 3 % they count linearly (soft L1), so that a few odd
/// rows do not bend the rest. A row that is itself uncertain counts less, and calls in an engine count
/// no more, all together, than those of a benchmark: they are many, and alike.
public enum KernelFit {
  /// Parts of the cross-validation.
  private static let folds = 5
  /// The relative error beyond which a row counts linearly.
  private static let scale = 0.03
  /// Where the search for `engineExtra` starts, in microseconds.
  private static let engineExtraStart = 0.5

  /// What a search does not move.
  private struct Search {
    let type: any KernelModel.Type
    let placement: CTAPlacement
    /// What is known of calls in an engine; else it is the point's last value, if any.
    let extra: EngineExtra?

    func model(_ point: [Double]) -> any KernelModel {
      type.init(parameters: Array(point.prefix(type.parameterNames.count)), placement: placement)
    }

    func candidate(_ point: [Double]) -> Candidate {
      let own = type.parameterNames.count
      return Candidate(
        model: model(point),
        engineExtra: extra
          ?? EngineExtra(alone: point.count > own ? point[own] : 0, perDoubling: 0))
    }
  }

  /// A model under search: its parameters, and the extra of calls in an engine behind them.
  private struct Candidate {
    let model: any KernelModel
    let engineExtra: EngineExtra

    func residual(_ row: KernelMeasurement) -> Double {
      let call = model.microseconds(row.variant, for: row.batch, in: row.context) ?? 0
      let extra =
        row.isInEngine ? engineExtra.microseconds(rows: row.batch.summary.paddedRows) : 0
      let predicted = call + extra
      return Elementary.logarithm(max(predicted, 1e-6) / row.microseconds)
    }
  }

  /// Fits a variant's model; `nil` where the family has no model, or there are not two rows more than
  /// parameters.
  ///
  /// Errors are those on a benchmark's rows, where there are any.
  ///
  /// - `placement`: how the GPU deals CTAs; `nil` for in turn
  /// - `crossValidates`: whether `heldOut` is found, at five times the work; otherwise it is `fitted`
  /// - `earlier`: a fit to nearly the same rows, near which this one is sought
  public static func fit(
    _ measurements: [KernelMeasurement], placement: CTAPlacement? = nil,
    crossValidates: Bool = true, from earlier: FittedKernel? = nil
  ) -> FittedKernel? {
    guard let first = measurements.first, let type = KernelModels.model(of: first.variant.family)
    else { return nil }
    let search = Search(
      type: type, placement: placement ?? .inTurn(smCount: first.context.smCount),
      extra: EngineExtra(measurements))
    let initial = search.model(type.initialParameters)
    // Those in place tell the extra alone.
    let rows = measurements.filter { row in
      row.inPlace == nil
        && initial.microseconds(row.variant, for: row.batch, in: row.context) != nil
    }
    guard rows.count > type.parameterNames.count + 1 else { return nil }
    var start = earlier?.parameters ?? type.initialParameters
    if search.extra == nil, rows.contains(where: \.isInEngine) { start.append(engineExtraStart) }
    let point = solve(search, rows, from: start)
    let found = search.candidate(point)
    let judged = rows.contains { !$0.isInEngine } ? rows.filter { !$0.isInEngine } : rows
    let own = judged.map { found.residual($0).magnitude }
    var heldOut: [Double] = crossValidates ? [] : own
    for fold in 0..<(crossValidates ? folds : 0) {
      let training = rows.indices.filter { $0 % folds != fold }.map { rows[$0] }
      let candidate = search.candidate(solve(search, training, from: point))
      heldOut += rows.indices
        .filter { $0 % folds == fold && (judged.count == rows.count || !rows[$0].isInEngine) }
        .map { candidate.residual(rows[$0]).magnitude }
    }
    guard let fittedError = FitError(absoluteErrors: own),
      let heldOutError = FitError(absoluteErrors: heldOut)
    else { return nil }
    return FittedKernel(
      variant: first.variant, parameters: Array(point.prefix(type.parameterNames.count)),
      placement: search.placement, engineExtra: found.engineExtra, fitted: fittedError,
      heldOut: heldOutError)
  }

  private static func solve(
    _ search: Search, _ rows: [KernelMeasurement], from start: [Double]
  ) -> [Double] {
    let weights = weights(of: rows)
    let logarithms = RobustLeastSquares.minimize(
      start: start.map { Elementary.logarithm(max($0, 1e-6)) }, scale: scale
    ) { point in
      let candidate = search.candidate(point.map(Elementary.exponential))
      // A span lends its elements, where an array's would be copied.
      let span = rows.span
      return weights.indices.map { weights[$0] * candidate.residual(span[$0]) }
    }
    return logarithms.map(Elementary.exponential)
  }

  /// What each row's residual counts: 1 for a benchmark's.
  private static func weights(of rows: [KernelMeasurement]) -> [Double] {
    let inEngine = Double(rows.count { $0.isInEngine })
    let others = Double(rows.count) - inEngine
    let share = others > 0 && inEngine > others ? (others / inEngine).squareRoot() : 1
    return rows.map { row in
      let spread = (scale * scale + row.uncertainty * row.uncertainty).squareRoot()
      return scale / spread * (row.isInEngine ? share : 1)
    }
  }
}
