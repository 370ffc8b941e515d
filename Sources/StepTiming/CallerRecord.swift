public import TraceModel

/// What the caller of one recorded request saw, on the recording's clock.
public struct CallerRecord: Hashable, Sendable {
  /// When the request was sent.
  public var sent: Nanoseconds
  /// When each of its tokens came, in order.
  public var tokens: [Nanoseconds]

  /// A caller's times.
  public init(sent: Nanoseconds, tokens: [Nanoseconds]) {
    self.sent = sent
    self.tokens = tokens
  }
}

/// Finds how long requests take to be sent, and tokens to reach their callers.
///
/// All tokens of a step come in one message, so a step counts once, with the mean of its tokens.
struct CallerFit: Sendable {
  private var sendDelays: [Nanoseconds] = []
  /// By recording, the delay of each step in turn.
  private var clientDelays: [[Nanoseconds]] = [[]]
  /// By request, its tokens so far; a preempted one's are not counted twice.
  private var outputs: [Int]

  /// A recording of these requests; `callers` is empty where nothing is known of them.
  init(requests: [TraceRequest], callers: [CallerRecord?]) {
    outputs = Array(repeating: 0, count: requests.count)
    for (request, caller) in zip(requests, callers) {
      if let caller { sendDelays.append(caller.sent - request.arrival) }
    }
  }

  /// Takes a step in.
  mutating func add(_ step: TraceStep, requests: [TraceRequest], callers: [CallerRecord?]) {
    guard let output = step.output, !callers.isEmpty else { return }
    var (sum, count) = (Nanoseconds.zero, Int64(0))
    for row in step.rows {
      let place = Int(row.request)
      let token = Int(row.kvLength.rawValue - requests[place].promptTokens.rawValue)
      guard token >= outputs[place] else { continue }
      outputs[place] = token + 1
      guard let times = callers[place]?.tokens, times.indices.contains(token) else { continue }
      sum += times[token] - output
      count += 1
    }
    if count > 0 { clientDelays[0].append(Nanoseconds(sum.rawValue / count)) }
  }

  /// Takes another recording's in.
  mutating func add(_ other: CallerFit) {
    sendDelays += other.sendDelays
    clientDelays += other.clientDelays
  }

  /// From a request's arrival to its sending, the middle value; `nil` where unknown.
  var sendDelay: Nanoseconds? { sendDelays.upperMedian.map { max(.zero, $0) } }

  /// From tokens at the scheduler to their callers: the mean and the spread; `nil` where unknown.
  ///
  /// Delays drift, so that those of neighbouring steps are alike, and gaps between tokens show less
  /// of them than independent delays would: the spread is that of independent ones whose neighbours
  /// lie as far apart as those of the recordings.
  var clientDelay: (mean: Nanoseconds, spread: DelaySpread)? {
    let recordings = clientDelays.filter { !$0.isEmpty }
    guard !recordings.isEmpty else { return nil }
    var (offsets, neighbours, pairs) = ([Nanoseconds](), Nanoseconds.zero, Int64(0))
    for delays in recordings {
      let mean = Self.mean(delays)
      offsets += delays.map { $0 - mean }
      for (one, next) in zip(delays, delays.dropFirst()) {
        neighbours += max(next - one, one - next)
      }
      pairs += Int64(delays.count - 1)
    }
    let spread = DelaySpread(delays: offsets)
    let independent = spread.meanDistance
    guard pairs > 0, independent > .zero else { return (max(.zero, Self.mean(all)), spread) }
    let apart = Nanoseconds(neighbours.rawValue / pairs)
    return (
      max(.zero, Self.mean(all)), spread.scaled(by: min(apart, independent), over: independent)
    )
  }

  private var all: [Nanoseconds] { clientDelays.flatMap(\.self) }

  private static func mean(_ delays: [Nanoseconds]) -> Nanoseconds {
    Nanoseconds(delays.reduce(.zero, +).rawValue / Int64(delays.count))
  }
}
