/// Which part of a workload to take, and how fast to send it.
///
/// The window is cut first, then the limit, then time is scaled. What is cut is the caller's to
/// report: it knows the count before and after.
public struct WorkloadSelection: Hashable, Sendable {
  /// The first arrival to take, which becomes the new time zero; `nil` takes from the start.
  public var from: Nanoseconds?
  /// Where the window ends, this very moment left out; `nil` takes to the end.
  public var to: Nanoseconds?
  /// How many times faster than recorded requests arrive: 2 halves every gap.
  public var timeScale: Double
  /// The most requests to take: the earliest of the window, of equal arrivals the first given.
  public var maxRequests: Int?

  /// Scales that keep every arrival of a real trace within 64 bits; commands check against it.
  public static let timeScales: ClosedRange<Double> = 1e-3...1e6

  /// A selection; the default takes everything as it is.
  public init(
    from: Nanoseconds? = nil, to: Nanoseconds? = nil, timeScale: Double = 1,
    maxRequests: Int? = nil
  ) {
    self.from = from
    self.to = to
    self.timeScale = timeScale
    self.maxRequests = maxRequests
  }

  /// Whether it takes everything as it is.
  public var isEverything: Bool { self == WorkloadSelection() }

  /// The requests selected, in the order given, their identities and lengths untouched.
  ///
  /// Scaled arrivals round half away from zero to the nanosecond; one that a trace cannot hold is an
  /// error. A scale outside `timeScales` is a bug of the caller.
  public func apply(
    to requests: [TraceRequest]
  ) throws(WorkloadSelectionError) -> [TraceRequest] {
    precondition(
      Self.timeScales.contains(timeScale), "time scale outside WorkloadSelection.timeScales")
    var selected: [TraceRequest] = []
    for index in earliest(requests, of: requests.indices.filter(isInWindow(requests))) {
      var moved = requests[index]
      moved.arrival = try place(requests[index])
      selected.append(moved)
    }
    return selected
  }

  private func isInWindow(_ requests: [TraceRequest]) -> (Int) -> Bool {
    { index in
      let arrival = requests[index].arrival
      if let from, arrival < from { return false }
      if let to, arrival >= to { return false }
      return true
    }
  }

  /// Of these places, in order, those of the requests that arrive first.
  private func earliest(_ requests: [TraceRequest], of places: [Int]) -> [Int] {
    guard let maxRequests, maxRequests < places.count else { return places }
    // Sorting is stable only by the places themselves.
    let byArrival = places.sorted {
      (requests[$0].arrival, $0) < (requests[$1].arrival, $1)
    }
    return byArrival.prefix(max(0, maxRequests)).sorted()
  }

  /// The arrival on the new clock: counted from the window's start, divided by the scale.
  private func place(_ request: TraceRequest) throws(WorkloadSelectionError) -> Nanoseconds {
    let arrival = request.arrival
    guard from != nil || timeScale != 1 else { return arrival }
    let (shifted, overflow) = arrival.rawValue.subtractingReportingOverflow(from?.rawValue ?? 0)
    let scaled = (Double(shifted) / timeScale).rounded()
    guard !overflow, scaled.magnitude <= Double(SelectionLimits.timeMax) else {
      throw WorkloadSelectionError(request: request.id)
    }
    return Nanoseconds(timeScale == 1 ? shifted : Int64(scaled))
  }
}

/// A selection that moves a request's arrival to where no trace can hold it.
public struct WorkloadSelectionError: Error, Hashable, Sendable {
  /// The request.
  public var request: RequestID

  /// What is wrong, and what to do about it.
  public var message: String {
    "request \(request.rawValue) would arrive at a time that a trace cannot hold; "
      + "choose a larger --time-scale or a window around it"
  }
}
