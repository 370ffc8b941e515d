public import KernelSelection
public import TraceModel

/// Everything that the GPU does in a step beside attention, as a function of how it is launched.
///
/// The same for all kernels under study, so in a comparison of policies on the same batches it
/// cancels. Matrix products compute in tiles of 128 tokens; steps launched in pieces are therefore
/// known, and looked up, by tokens rounded up to 128.
public struct RestOfStep: Hashable, Sendable {
  /// Time at one number of tokens.
  public struct Point: Hashable, Sendable {
    /// Tokens of the step, padding included.
    public var tokens: Int
    /// Microseconds of the rest.
    public var microseconds: Double

    /// A point of a table.
    public init(tokens: Int, microseconds: Double) {
      self.tokens = tokens
      self.microseconds = microseconds
    }
  }

  /// Steps launched as one graph: by padded tokens, ascending.
  public private(set) var graphs: [Point]
  /// Steps launched in pieces: by tokens in multiples of 128, ascending.
  public private(set) var pieces: [Point]

  /// How steps in pieces of one size differ.
  public let spread: RestSpread
  /// What steps with prompts lose to the GPU's power limit; the tables hold times at its full clock.
  public let limit: PowerLimit

  /// `pieces` as microseconds per token, which is what is interpolated.
  private let rates: [Point]

  /// Tokens in a tile of the matrix products.
  public static let tile = 128
  /// Exponent of the smooth maximum between reading weights and computing on tokens.
  private static let sharpness = 4.0

  /// Tables in any order; both may be empty, then every time is zero.
  public init(
    graphs: [Point], pieces: [Point], spread: RestSpread = .none, limit: PowerLimit = .none
  ) {
    self.graphs = graphs.sorted { $0.tokens < $1.tokens }
    self.pieces = pieces.sorted { $0.tokens < $1.tokens }
    self.spread = spread
    self.limit = limit
    rates = self.pieces.map {
      Point(tokens: $0.tokens, microseconds: $0.microseconds / Double($0.tokens))
    }
  }

  /// These tables with the points of `other` added where this one has none.
  public func completed(by other: RestOfStep) -> RestOfStep {
    func merge(_ own: [Point], _ others: [Point]) -> [Point] {
      own + others.filter { candidate in !own.contains { $0.tokens == candidate.tokens } }
    }
    return RestOfStep(
      graphs: merge(graphs, other.graphs), pieces: merge(pieces, other.pieces),
      spread: spread == .none ? other.spread : spread,
      limit: limit == .none ? other.limit : limit)
  }

  /// The rest of a step with prompts launched so in pieces, which takes of `reserve` what it draws.
  ///
  /// - `attention`: over all layers, on kernels of `family`
  public func time(
    ofPromptsIn launch: StepLaunch, attention: Nanoseconds, family: KernelFamily,
    reserve: inout PowerReserve
  ) -> Nanoseconds {
    let time = time(of: launch)
    let loss = reserve.loss(
      rest: time.microseconds, of: work(attention: attention, family: family))
    return min(TimingLimits.stepMax, time + Nanoseconds(microseconds: loss))
  }

  /// The rest of a step without prompts launched so, with attention over all layers.
  func time(
    ofDecodeIn launch: StepLaunch, attention: Nanoseconds, reserve: PowerReserve
  ) -> Nanoseconds {
    let time = time(of: launch)
    let loss = reserve.decodeLoss(
      rest: time.microseconds, attention: attention.microseconds)
    return min(TimingLimits.stepMax, time + Nanoseconds(microseconds: loss))
  }

  /// As the power limit sees a step with such attention.
  func work(attention: Nanoseconds, family: KernelFamily) -> PromptWork {
    PromptWork(
      floor: readingWeights, attention: attention.microseconds, isTriton: family.isTriton)
  }

  /// The rest of a step launched so, at the GPU's full clock.
  public func time(of launch: StepLaunch) -> Nanoseconds {
    let microseconds =
      switch launch {
      case .fullGraph(let tokens): graphMicroseconds(tokens)
      case .piecewise(let tokens), .eager(let tokens): pieceMicroseconds(tokens)
      }
    return Nanoseconds(microseconds: microseconds)
  }

  /// All weights are read, as in a graph of few rows; in microseconds.
  private var readingWeights: Double {
    (graphs.last { $0.tokens <= Self.readingTokensMax } ?? graphs.first)?.microseconds ?? 0
  }

  /// Tokens up to which a step mostly reads weights.
  private static let readingTokensMax = 64

  /// What a graph of as many tokens takes, or the largest that is known; in microseconds.
  private func floor(_ tokens: Int) -> Double {
    graphs.isEmpty ? 0 : graphMicroseconds(min(tokens, graphs.last?.tokens ?? 0))
  }

  private func graphMicroseconds(_ tokens: Int) -> Double {
    guard let first = graphs.first, let last = graphs.last else { return pieceMicroseconds(tokens) }
    if tokens <= first.tokens { return first.microseconds }
    if tokens > last.tokens {
      return smoothMaximum(last.microseconds, perToken(tokens) * Double(tokens))
    }
    return Self.interpolate(graphs, tokens)
  }

  private func pieceMicroseconds(_ tokens: Int) -> Double {
    let rounded = Self.roundedToTile(tokens)
    let floor = floor(tokens)
    guard let first = pieces.first else { return floor }
    // Between known points the pace per token moves little; the time itself moves in steps.
    let computed = perToken(rounded) * Double(rounded)
    return rounded >= first.tokens ? max(floor, computed) : smoothMaximum(floor, computed)
  }

  /// Microseconds per token of steps in pieces; `nil` where none are known.
  func microsecondsPerToken(_ tokens: Int) -> Double? {
    pieces.isEmpty ? nil : perToken(tokens)
  }

  private func perToken(_ tokens: Int) -> Double {
    guard let first = rates.first, let last = rates.last else { return 0 }
    let nearest = min(max(tokens, first.tokens), last.tokens)
    return Self.interpolate(rates, nearest)
  }

  private func smoothMaximum(_ a: Double, _ b: Double) -> Double {
    Elementary.power(
      Elementary.power(a, Self.sharpness) + Elementary.power(b, Self.sharpness),
      1 / Self.sharpness)
  }

  /// Tokens as the matrix products see them.
  public static func roundedToTile(_ tokens: Int) -> Int {
    ceilingDivide(max(1, tokens), tile) * tile
  }

  private static func interpolate(_ points: [Point], _ tokens: Int) -> Double {
    var low = 0
    var high = points.count - 1
    while high - low > 1 {
      let middle = (low + high) / 2
      if points[middle].tokens <= tokens { low = middle } else { high = middle }
    }
    let (a, b) = (points[low], points[high])
    guard b.tokens > a.tokens else { return a.microseconds }
    let share = Double(tokens - a.tokens) / Double(b.tokens - a.tokens)
    return a.microseconds + min(max(share, 0), 1) * (b.microseconds - a.microseconds)
  }
}

extension [RestOfStep.Point] {
  /// The same sizes with so many times the microseconds.
  func scaled(by factor: Double) -> [RestOfStep.Point] {
    map { .init(tokens: $0.tokens, microseconds: $0.microseconds * factor) }
  }
}
