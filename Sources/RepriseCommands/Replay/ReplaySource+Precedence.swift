import TraceFile
import TraceModel

extension ReplaySource {
  /// For each request of the replay, its place in the order in which the recording first scheduled them;
  /// `nil` where no arrivals are equal, or no steps recorded.
  ///
  /// Callers that send at one moment reach the engine in an order that the arrivals do not show; the
  /// first rows do, because vLLM admits in order.
  func precedence() throws -> [Int32]? {
    guard reader.stepCount > 0, hasEqualArrivals else { return nil }
    var places: [RequestID: Int32] = [:]
    var seen = Array(repeating: false, count: allRequests.count)
    var steps = try reader.steps()
    var step = TraceStep()
    while try steps.next(into: &step) {
      for row in step.rows where seen.indices.contains(Int(row.request)) && !seen[Int(row.request)]
      {
        seen[Int(row.request)] = true
        places[allRequests[Int(row.request)].id] = Int32(places.count)
      }
    }
    return requests.map { places[$0.id] ?? Int32.max }
  }

  /// For each request of the replay, its place in the order in which a run's callers sent them; `nil`
  /// where no arrivals are equal, or where it is not known of every request.
  ///
  /// - `sent`: for each request of the replay when it was sent, on any clock
  func precedence(sent: [Nanoseconds?]) -> [Int32]? {
    let known = sent.compactMap(\.self)
    guard known.count == requests.count, hasEqualArrivals else { return nil }
    var places = Array(repeating: Int32(0), count: known.count)
    let order = known.indices.sorted { (known[$0], $0) < (known[$1], $1) }
    for (place, index) in order.enumerated() { places[index] = Int32(place) }
    return places
  }

  private var hasEqualArrivals: Bool {
    let arrivals = requests.map(\.arrival).sorted()
    return zip(arrivals, arrivals.dropFirst()).contains { $0 == $1 }
  }
}
