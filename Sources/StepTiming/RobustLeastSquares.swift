/// Levenberg–Marquardt on a soft-L1 loss, with derivatives by differences.
///
/// For a dozen parameters and a few hundred residuals; deterministic. Method: Moré, "The
/// Levenberg-Marquardt algorithm", 1978; the loss as a reweighting after Triggs et al., 1999.
enum RobustLeastSquares {
  private static let iterationsMax = 200
  private static let differenceStep = 1e-5
  /// Points are logarithms of positive parameters; one that runs off to zero stops here.
  private static let range = -14.0...14.0

  /// The point near `start` at which the residuals' soft-L1 loss is least.
  static func minimize(
    start: [Double], scale: Double, residuals: ([Double]) -> [Double]
  ) -> [Double] {
    var point = start
    var current = residuals(point)
    var cost = loss(current, scale)
    var damping = 1e-3
    for _ in 0..<iterationsMax {
      let system = normalEquations(at: point, current, scale, residuals)
      var improved = false
      while damping < 1e12 {
        guard let step = solve(system, damping: damping) else {
          damping *= 10
          continue
        }
        let trial = zip(point, step).map { min(max($0 + $1, range.lowerBound), range.upperBound) }
        let trialResiduals = residuals(trial)
        let trialCost = loss(trialResiduals, scale)
        if trialCost < cost {
          improved = cost - trialCost > 1e-6 * cost
          point = trial
          current = trialResiduals
          cost = trialCost
          damping = max(damping / 5, 1e-9)
          break
        }
        damping *= 4
      }
      if !improved { break }
    }
    return point
  }

  private static func loss(_ residuals: [Double], _ scale: Double) -> Double {
    residuals.reduce(0) { sum, residual in
      let ratio = residual / scale
      return sum + 2 * ((1 + ratio * ratio).squareRoot() - 1)
    }
  }

  private struct System {
    var matrix: [[Double]]
    var vector: [Double]
  }

  private static func normalEquations(
    at point: [Double], _ current: [Double], _ scale: Double, _ residuals: ([Double]) -> [Double]
  ) -> System {
    let weights = current.map { residual in
      let ratio = residual / scale
      return 1 / (1 + ratio * ratio).squareRoot()
    }
    let columns = point.indices.map { index -> [Double] in
      var shifted = point
      shifted[index] += differenceStep
      return zip(residuals(shifted), current).map { ($0 - $1) / differenceStep }
    }
    let matrix = columns.map { a in
      columns.map { b in
        var sum = 0.0
        for row in current.indices { sum += weights[row] * a[row] * b[row] }
        return sum
      }
    }
    let vector = columns.map { column in
      var sum = 0.0
      for row in current.indices { sum -= weights[row] * column[row] * current[row] }
      return sum
    }
    return System(matrix: matrix, vector: vector)
  }

  /// Gaussian elimination with pivoting of the damped system; `nil` where it is singular.
  private static func solve(_ system: System, damping: Double) -> [Double]? {
    let size = system.vector.count
    var matrix = system.matrix
    var vector = system.vector
    for index in 0..<size { matrix[index][index] += damping * max(matrix[index][index], 1e-9) }
    for column in 0..<size {
      guard
        let pivot = (column..<size).max(by: {
          matrix[$0][column].magnitude < matrix[$1][column].magnitude
        }), matrix[pivot][column].magnitude > 1e-14
      else { return nil }
      matrix.swapAt(column, pivot)
      vector.swapAt(column, pivot)
      for row in (column + 1)..<size {
        let factor = matrix[row][column] / matrix[column][column]
        guard factor != 0 else { continue }
        for other in column..<size { matrix[row][other] -= factor * matrix[column][other] }
        vector[row] -= factor * vector[column]
      }
    }
    var solution = [Double](repeating: 0, count: size)
    for row in stride(from: size - 1, through: 0, by: -1) {
      var sum = vector[row]
      for column in (row + 1)..<size { sum -= matrix[row][column] * solution[column] }
      solution[row] = sum / matrix[row][row]
    }
    return solution
  }
}
