internal import TraceModel

/// Finds how long after the request that wakes an idle engine others may be sent and still be in its
/// step.
///
/// An engine that wakes takes in what has come by then, so each such step of a burst bounds that time:
/// it was not less for the last request in the step, and not more for the first that was left out.
struct GatheringFit: Sendable {
  private var bounds = AdmissionFit()
  private var gathered = 0
  /// When each request was sent (or arrived), by place.
  private let moments: [Nanoseconds]
  /// Places in order of that.
  private let order: [Int32]

  /// How many are gathered is chance: fewer steps that gathered some do not tell.
  private static let gatheredMin = 3
  /// Later ones have nothing to do with the waking.
  private static let burstMax = Nanoseconds(10_000_000)

  /// A recording whose requests were sent at these moments, by place.
  init(moments: [Nanoseconds]) {
    self.moments = moments
    order = moments.indices.map { Int32($0) }.sorted {
      (moments[Int($0)], $0) < (moments[Int($1)], $1)
    }
  }

  /// A step of new requests alone was scheduled by an engine that had been idle.
  ///
  /// A step that ends within a prompt had no room for more, and tells nothing.
  mutating func add(_ step: TraceStep, requests: [TraceRequest]) {
    let isWhole = step.rows.allSatisfy {
      $0.queryLength.rawValue >= requests[Int($0.request)].promptTokens.rawValue
    }
    guard isWhole, let first = step.rows.map({ moment($0.request) }).min() else { return }
    let start = order.partitioningIndex { moment($0) >= first }
    let burst = order[start...].prefix { moment($0) - first < Self.burstMax }
    guard burst.count > 1 else { return }
    let taken = Set(step.rows.map(\.request))
    let last = burst.last { taken.contains($0) }.map(moment) ?? first
    let left = burst.first { !taken.contains($0) && moment($0) > first }.map(moment)
    if last > first { gathered += 1 }
    bounds.add(after: last - first, before: left.map { $0 - first } ?? Self.burstMax)
  }

  private func moment(_ place: Int32) -> Nanoseconds { moments[Int(place)] }

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
