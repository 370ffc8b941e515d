public import TraceModel

/// Whether the engine kept up with the arrivals, or the queue grew for as long as they lasted.
///
/// Where it did not keep up, waiting dominates TTFT and grows with the length of the trace: the
/// replay then measures how long the trace is. The queue's growth is the slope of a least-squares
/// line through the number of waiting requests after each step, over the second half of the
/// arrivals (the first half warms up).
public struct LoadTrend: Hashable, Sendable {
  /// From the first arrival to the last.
  public var span: Nanoseconds
  /// From the last arrival to the last token.
  public var drain: Nanoseconds
  /// Requests per second over the second half of the span.
  public var arrivalRate: Double
  /// Requests per second by which the queue grew over the second half of the span.
  public var waitingGrowth: Double
  /// Requests waiting after the last step scheduled before or at the last arrival.
  public var waitingAtLastArrival: Int

  /// A trend of given figures.
  public init(
    span: Nanoseconds, drain: Nanoseconds, arrivalRate: Double, waitingGrowth: Double,
    waitingAtLastArrival: Int
  ) {
    self.span = span
    self.drain = drain
    self.arrivalRate = arrivalRate
    self.waitingGrowth = waitingGrowth
    self.waitingAtLastArrival = waitingAtLastArrival
  }

  /// The queue must grow by more than this share of what arrives to count as overload.
  public static let overloadShare = 0.05
  /// And at least so many must wait in the end, so that the noise of a short trace does not count.
  public static let overloadWaiting = 10

  /// Whether the offered load is above what the engine serves.
  ///
  /// More than one request in twenty that arrived in the second half was not even started then, and
  /// ten or more were waiting when the last one came.
  public var isOverloaded: Bool {
    waitingAtLastArrival >= Self.overloadWaiting && arrivalRate > 0
      && waitingGrowth > Self.overloadShare * arrivalRate
  }
}

/// Collects a `LoadTrend` while a replay runs.
struct LoadTrendBuilder {
  private let firstArrival: Nanoseconds
  private let lastArrival: Nanoseconds
  private let middle: Nanoseconds
  private let laterArrivals: Int
  private var waitingAtLastArrival = 0
  private var count = 0.0
  private var sumTime = 0.0
  private var sumWaiting = 0.0
  private var sumTimeSquared = 0.0
  private var sumTimeWaiting = 0.0

  /// A builder for arrivals in order of time; there must be at least one.
  init(arrivals: [Nanoseconds]) {
    let first = arrivals.first ?? .zero
    let last = arrivals.last ?? .zero
    let middle = Nanoseconds(first.rawValue + (last.rawValue - first.rawValue) / 2)
    firstArrival = first
    lastArrival = last
    self.middle = middle
    laterArrivals = arrivals.count { $0 > middle }
  }

  /// Notes how many requests wait after a call of the scheduler.
  mutating func add(waiting: Int, at time: Nanoseconds) {
    guard time <= lastArrival else { return }
    waitingAtLastArrival = waiting
    guard time >= middle else { return }
    let seconds = (time - middle).seconds
    count += 1
    sumTime += seconds
    sumWaiting += Double(waiting)
    sumTimeSquared += seconds * seconds
    sumTimeWaiting += seconds * Double(waiting)
  }

  /// The trend, once the last token has come.
  func trend(end: Nanoseconds) -> LoadTrend {
    let half = (lastArrival - middle).seconds
    let spread = count * sumTimeSquared - sumTime * sumTime
    return LoadTrend(
      span: lastArrival - firstArrival, drain: max(.zero, end - lastArrival),
      arrivalRate: half > 0 ? Double(laterArrivals) / half : 0,
      waitingGrowth: spread > 0
        ? (count * sumTimeWaiting - sumTime * sumWaiting) / spread : 0,
      waitingAtLastArrival: waitingAtLastArrival)
  }
}
