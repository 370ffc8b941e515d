internal import KernelSelection

/// What a call takes in an engine's step beyond the same call alone: what its backend launches beside it,
/// and a kernel whose code and tables other kernels have driven from the caches.
public struct EngineExtra: Hashable, Sendable {
  /// Microseconds on one row.
  public var alone: Double
  /// Microseconds more for each doubling of the rows that are launched, padding included.
  public var perDoubling: Double

  /// None.
  public static let none = EngineExtra(alone: 0, perDoubling: 0)

  /// Extra microseconds.
  public init(alone: Double, perDoubling: Double) {
    self.alone = alone
    self.perDoubling = perDoubling
  }

  /// Microseconds for a launch over so many rows; never below zero.
  public func microseconds(rows: Int) -> Double {
    max(0, alone + perDoubling * Self.doublings(rows))
  }

  /// The extra that calls show which were measured alone and in their place; `nil` where they are few.
  ///
  /// A line through them whose slope is the median of all pairs' and whose height is the median over
  /// the calls (Theil, Sen): where two long rows meet on one SM in one of both, a call is far off it.
  init?(_ calls: [KernelMeasurement]) {
    let points = calls.compactMap { call in
      call.inPlace.map { (Self.doublings(call.batch.summary.paddedRows), $0 - call.microseconds) }
    }
    guard points.count >= Self.callsMin else { return nil }
    var slopes: [Double] = []
    for (index, first) in points.enumerated() {
      for second in points[..<index] where second.0 != first.0 {
        slopes.append((second.1 - first.1) / (second.0 - first.0))
      }
    }
    let slope = slopes.upperMedian ?? 0
    alone = max(0, points.map { $0.1 - slope * $0.0 }.upperMedian ?? 0)
    perDoubling = slope
  }

  private static func doublings(_ rows: Int) -> Double {
    Elementary.logarithm(Double(max(1, rows))) / Elementary.logarithm(2)
  }

  /// Calls below which an extra is not read off them.
  private static let callsMin = 8
}
