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

  /// A measured call; `microseconds` is above zero.
  public init(
    batch: AttentionBatch, context: AttentionContext, variant: KernelVariant, microseconds: Double
  ) {
    self.batch = batch
    self.context = context
    self.variant = variant
    self.microseconds = microseconds
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
  /// Errors on the rows that the parameters were fitted to.
  public var fitted: FitError
  /// Errors on rows left out: each fifth of the rows timed by a fit to the other four.
  public var heldOut: FitError

  /// A fit's outcome.
  public init(
    variant: KernelVariant, parameters: [Double], fitted: FitError, heldOut: FitError
  ) {
    self.variant = variant
    self.parameters = parameters
    self.fitted = fitted
    self.heldOut = heldOut
  }
}

/// Finds a kernel model's parameters from measured calls of one variant.
///
/// Residuals are logarithms of predicted over measured time, so a microsecond of a short call counts
/// as much as a millisecond of a long one; beyond 3 % they count linearly (soft L1), so that a few odd
/// rows do not bend the rest.
public enum KernelFit {
  /// Parts of the cross-validation.
  private static let folds = 5
  /// The relative error beyond which a row counts linearly.
  private static let scale = 0.03

  /// Fits a variant's model; `nil` where the family has no model or fewer rows than parameters.
  ///
  /// - `crossValidates`: whether `heldOut` is found, at five times the work; otherwise it is `fitted`
  public static func fit(
    _ measurements: [KernelMeasurement], crossValidates: Bool = true
  ) -> FittedKernel? {
    guard let variant = measurements.first?.variant,
      let model = KernelModels.model(of: variant.family)
    else { return nil }
    let rows = measurements.filter { row in
      model.init(parameters: model.initialParameters)
        .microseconds(row.variant, for: row.batch, in: row.context) != nil
    }
    guard rows.count > model.parameterNames.count else { return nil }
    let parameters = solve(model, rows, from: model.initialParameters)
    let own = residuals(model, rows, parameters).map(\.magnitude)
    var heldOut: [Double] = crossValidates ? [] : own
    for fold in 0..<(crossValidates ? folds : 0) {
      let training = rows.indices.filter { $0 % folds != fold }.map { rows[$0] }
      let testing = rows.indices.filter { $0 % folds == fold }.map { rows[$0] }
      heldOut += residuals(model, testing, solve(model, training, from: parameters)).map(
        \.magnitude)
    }
    guard let fittedError = FitError(absoluteErrors: own),
      let heldOutError = FitError(absoluteErrors: heldOut)
    else { return nil }
    return FittedKernel(
      variant: variant, parameters: parameters, fitted: fittedError, heldOut: heldOutError)
  }

  private static func residuals(
    _ model: any KernelModel.Type, _ rows: [KernelMeasurement], _ parameters: [Double]
  ) -> [Double] {
    let candidate = model.init(parameters: parameters)
    return rows.map { row in
      let predicted = candidate.microseconds(row.variant, for: row.batch, in: row.context) ?? 0
      return Elementary.logarithm(max(predicted, 1e-6) / row.microseconds)
    }
  }

  private static func solve(
    _ model: any KernelModel.Type, _ rows: [KernelMeasurement], from start: [Double]
  ) -> [Double] {
    let logarithms = RobustLeastSquares.minimize(
      start: start.map { Elementary.logarithm(max($0, 1e-6)) }, scale: scale
    ) { point in
      residuals(model, rows, point.map(Elementary.exponential))
    }
    return logarithms.map(Elementary.exponential)
  }
}
