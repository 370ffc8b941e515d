internal import TraceModel

/// Finds how long after its arrival the scheduler can see a request.
///
/// A recording has bounds: what a call of the scheduler admitted was visible to it, and, had there been
/// room, not visible to the call before. The admission is the time that contradicts the bounds least in
/// sum; arrivals at an idle engine, which are scheduled at once, bound it from both sides.
struct AdmissionFit: Sendable {
  private var bounds: [(after: Nanoseconds, before: Nanoseconds)] = []

  /// A request that was passed over so long after its arrival waited for room.
  private static let afterMax = Nanoseconds(10_000_000)

  /// A request was not visible `after`, and was visible `before`, so long after its arrival.
  mutating func add(after: Nanoseconds, before: Nanoseconds) {
    guard before > .zero, after < Self.afterMax else { return }
    bounds.append((after: max(.zero, after), before: before))
  }

  /// Takes another recording's bounds in.
  mutating func add(_ other: AdmissionFit) { bounds += other.bounds }

  /// The admission; `nil` without any bound.
  var admission: Nanoseconds? {
    // The sum is convex and bends only at bounds: it is least where half of them lie on each side.
    let bends = bounds.flatMap { [$0.after, $0.before] }.sorted()
    guard !bends.isEmpty else { return nil }
    let middle = bends.count / 2
    let (low, high) = (bends[middle - 1].rawValue, bends[middle].rawValue)
    return Nanoseconds(low + (high - low) / 2)
  }
}
