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
  /// The most requests to take, counted from the start of the window.
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
  /// Scaled arrivals round half away from zero to the nanosecond; a scale outside `timeScales` is
  /// a bug of the caller.
  public func apply(to requests: [TraceRequest]) -> [TraceRequest] {
    precondition(
      Self.timeScales.contains(timeScale), "time scale outside WorkloadSelection.timeScales")
    var selected: [TraceRequest] = []
    for request in requests where isInWindow(request.arrival) {
      if let maxRequests, selected.count >= maxRequests { break }
      var moved = request
      moved.arrival = place(request.arrival)
      selected.append(moved)
    }
    return selected
  }

  private func isInWindow(_ arrival: Nanoseconds) -> Bool {
    if let from, arrival < from { return false }
    if let to, arrival >= to { return false }
    return true
  }

  /// The arrival on the new clock: counted from the window's start, divided by the scale.
  private func place(_ arrival: Nanoseconds) -> Nanoseconds {
    let (shifted, overflow) = arrival.rawValue.subtractingReportingOverflow(from?.rawValue ?? 0)
    guard !overflow else { return Nanoseconds(.max) }
    guard timeScale != 1 else { return Nanoseconds(shifted) }
    let scaled = (Double(shifted) / timeScale).rounded()
    return Nanoseconds(Int64(exactly: scaled) ?? (scaled < 0 ? .min : .max))
  }
}
