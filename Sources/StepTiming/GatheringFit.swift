internal import TraceModel

/// Finds how long after the request that wakes an idle engine others may be sent and still be in its
/// step.
///
/// An engine that wakes takes in what has come by then, so each such step of a burst bounds that time:
/// it was not less for the last request in the step, and not more for the first that was left out.
struct GatheringFit: Sendable {
  private var bounds = AdmissionFit()
  private var gathered = 0
  /// When requests were sent (or arrived), ascending, and their places.
  private let moments: [(moment: Nanoseconds, place: Int32)]

  /// How many are gathered is chance: fewer steps that gathered some do not tell.
  private static let gatheredMin = 3
  /// Later ones have nothing to do with the waking.
  private static let burstMax = Nanoseconds(10_000_000)

  /// A recording whose requests were sent at these moments, by place.
  init(moments: [Nanoseconds]) {
    self.moments = moments.enumerated().map { ($0.element, Int32($0.offset)) }.sorted { $0 < $1 }
  }

  /// A step of new requests alone was scheduled by an engine that had been idle.
  ///
  /// A step that ends within a prompt had no room for more, and tells nothing.
  mutating func add(_ step: TraceStep, requests: [TraceRequest]) {
    let isWhole = step.rows.allSatisfy {
      $0.queryLength.rawValue >= requests[Int($0.request)].promptTokens.rawValue
    }
    let taken = Set(step.rows.map(\.request))
    guard isWhole, let start = moments.firstIndex(where: { taken.contains($0.place) }) else {
      return
    }
    let first = moments[start].moment
    let burst = moments[start...].prefix { $0.moment - first < Self.burstMax }
    guard burst.count > 1 else { return }
    let last = burst.last { taken.contains($0.place) }?.moment ?? first
    let left = burst.first { !taken.contains($0.place) && $0.moment > first }?.moment
    if last > first { gathered += 1 }
    bounds.add(after: last - first, before: left.map { $0 - first } ?? Self.burstMax)
  }

  /// Takes another recording's in.
  mutating func add(_ other: GatheringFit) {
    bounds.add(other.bounds)
    gathered += other.gathered
  }

  /// The time that contradicts the bounds least; `expected` where too few steps gathered others.
  func gathering(unless expected: Nanoseconds) -> Nanoseconds {
    gathered < Self.gatheredMin ? expected : bounds.admission(near: nil) ?? expected
  }
}
