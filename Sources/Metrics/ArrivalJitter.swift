public import TraceModel

/// Moves arrivals a little, as a load generator does from one run to the next.
///
/// Each arrival is moved by its own draw, evenly between −`amplitude` and +`amplitude`; none to before
/// time zero. The same seed gives the same arrivals everywhere.
public struct ArrivalJitter: Hashable, Sendable {
  /// The furthest that an arrival moves.
  public var amplitude: Nanoseconds
  /// Seed of the draws.
  public var seed: UInt64

  /// A jitter of an amplitude.
  public init(amplitude: Nanoseconds, seed: UInt64) {
    precondition(amplitude >= .zero, "an amplitude is a length")
    self.amplitude = amplitude
    self.seed = seed
  }

  /// The requests with their arrivals moved, in the same order.
  public func applied(to requests: [TraceRequest]) -> [TraceRequest] {
    var generator = SplitMix64(seed: seed)
    let width = Int(2 * amplitude.rawValue + 1)
    return requests.map { request in
      var moved = request
      let draw = Nanoseconds(Int64(generator.next(below: width)) - amplitude.rawValue)
      moved.arrival = max(min(.zero, request.arrival), request.arrival + draw)
      return moved
    }
  }

  /// A length that is chance, drawn evenly from zero to `limit`, that included, which must not be negative.
  public func draw(upTo limit: Nanoseconds) -> Nanoseconds {
    precondition(limit >= .zero, "a limit is a length")
    var generator = SplitMix64(seed: ~seed)
    return Nanoseconds(Int64(generator.next(below: Int(limit.rawValue) + 1)))
  }

  /// One of `count` places, of which there must be some, drawn evenly.
  public func place(of count: Int) -> Int {
    precondition(count > 0, "a draw needs something to draw from")
    var generator = SplitMix64(seed: ~seed &* 3)
    return generator.next(below: count)
  }
}
