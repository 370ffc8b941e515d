internal import TraceModel

/// Finds how long after its arrival the scheduler can see a request.
///
/// A recording has bounds: what a call of the scheduler admitted was visible to it, and, had there been
/// room, not visible to the call before. The admission is the time that contradicts the bounds least in
/// sum. Arrivals at an idle engine, which must wake up first, are kept apart; and so are those in the
/// first step of a recording, in which a recorder may open its file first.
struct AdmissionFit: Sendable {
  private var bounds: [(after: Nanoseconds, before: Nanoseconds)] = []
  private var idle: [Nanoseconds] = []
  private var first: [Nanoseconds] = []

  /// A request that was passed over so long after its arrival waited for room.
  private static let afterMax = Nanoseconds(10_000_000)

  /// A request was not visible `after`, and was visible `before`, so long after its arrival.
  mutating func add(after: Nanoseconds, before: Nanoseconds) {
    guard before > .zero, after < Self.afterMax else { return }
    bounds.append((after: max(.zero, after), before: before))
  }

  /// An idle engine scheduled a request so long after its arrival.
  mutating func add(idle delay: Nanoseconds) { idle.append(delay) }

  /// A recording began with a request that was scheduled so long after its arrival.
  mutating func add(first delay: Nanoseconds) { first.append(delay) }

  /// Takes another recording's in.
  mutating func add(_ other: AdmissionFit) {
    bounds += other.bounds
    idle += other.idle
    first += other.first
  }

  /// Whether nothing was seen.
  var isEmpty: Bool { bounds.isEmpty && idle.isEmpty && first.isEmpty }

  /// What an idle engine took, the middle value; `nil` where none was idle after the first step.
  var idleAdmission: Nanoseconds? { idle.upperMedian }

  /// What the first steps of recordings took, the middle value: an upper bound of `idleAdmission`.
  var firstAdmission: Nanoseconds? { first.upperMedian }

  /// The admission to a busy engine; where bounds leave a range, what of it is nearest to `known`.
  ///
  /// Without any bound it is `nil`.
  func admission(near known: Nanoseconds?) -> Nanoseconds? {
    // The sum is convex and bends only at bounds: it is least where half of them lie on each side.
    let bends = bounds.flatMap { [$0.after, $0.before] }.sorted()
    guard !bends.isEmpty else { return nil }
    let middle = bends.count / 2
    let (low, high) = (bends[middle - 1], bends[middle])
    if let known { return min(max(known, low), high) }
    return Nanoseconds(low.rawValue + (high - low).rawValue / 2)
  }
}
