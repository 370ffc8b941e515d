internal import KernelSelection
public import TraceModel

/// What a GPU at its power limit loses on prompts.
///
/// Matrix products on prompts draw more than a GPU may have on average. A rested one runs them at its full
/// clock until it has drawn `credit` too much; from there on its clock falls until the limit is kept. Decode
/// steps and pauses draw less, and the credit comes back. So a step with 1,000 prompt tokens takes an H200 5 of 70 ms
/// longer directly behind another than long after it, and one with 2,000 tokens no more than that.
///
/// Attention of libraries computes as densely as the matrix products and draws as much; Triton's kernels
/// draw less than the limit, and the more of a step they are, the less it loses: beside long contexts
/// the same products take 10 % longer with FlashAttention 3 (`ACCURACY.md`). The clock that the products
/// leave behind is lower than that of the kernel alone, so in turn Triton's attention is slower by `slowing`.
///
/// Decode steps behind prompts meet the low clock, too, until it has come back: they take 2 to 5 % longer directly
/// behind one, and no longer 100 ms later.
///
/// `drawn = excess × (rest − reading weights) + (excess or −relief) × attention`,
/// `loss = max(0, drawn − what is left of the credit) + slowing × attention (Triton's)`
///
/// and of a decode step, whose middle is `t` after the last prompt
///
/// `loss = (1 − what was left of the credit / credit) × e^−(t / clockTime)² × (restSlowing × rest + attentionSlowing × attention)`
public struct PowerLimit: Hashable, Sendable {
  /// What matrix products and libraries' attention draw above the limit, as a fraction of it.
  public let excess: Double
  /// What Triton's attention stays below it.
  public let relief: Double
  /// By what fraction Triton's attention takes longer between matrix products on prompts than alone.
  public let slowing: Double
  /// What a rested GPU may draw too much, in microseconds at the limit.
  public let credit: Double
  /// Microseconds of other work in which what is missing of the credit falls to 1 / e.
  public let time: Double
  /// What a decode step meets of the clock.
  public var decode: DecodeSlowing

  /// How much longer decode steps take behind prompts that have used the credit up.
  public struct DecodeSlowing: Hashable, Sendable {
    /// By what fraction all beside attention takes longer.
    public var rest: Double
    /// By what fraction attention does.
    public var attention: Double
    /// Microseconds after which that has fallen to 1 / e, first slowly and then fast.
    public var clockTime: Double

    /// They take no longer.
    public static let none = DecodeSlowing(rest: 0, attention: 0, clockTime: 1)

    /// Given parameters; `clockTime` must be positive.
    public init(rest: Double, attention: Double, clockTime: Double) {
      precondition(clockTime > 0, "the clock comes back in a while")
      self.rest = rest
      self.attention = attention
      self.clockTime = clockTime
    }
  }

  /// No step loses anything.
  public static let none = PowerLimit(excess: 0, relief: 0, slowing: 0, credit: 0, time: 1)

  /// Given parameters; `time` must be positive.
  public init(
    excess: Double, relief: Double, slowing: Double, credit: Double, time: Double,
    decode: DecodeSlowing = .none
  ) {
    precondition(time > 0, "credit comes back in a while")
    self.decode = decode
    self.excess = excess
    self.relief = relief
    self.slowing = slowing
    self.credit = credit
    self.time = time
  }
}

/// A step with prompts, as the power limit sees it.
struct PromptWork: Hashable, Sendable {
  /// Microseconds that any step takes to read the weights.
  var floor: Double
  /// Attention over all layers, in microseconds.
  var attention: Double
  /// Whether that ran on Triton.
  var isTriton: Bool
}

/// What is left of a power limit's credit.
public struct PowerReserve: Hashable, Sendable {
  private(set) var limit: PowerLimit
  private var left: Double
  /// Since the last step with prompts.
  private var recovering = Nanoseconds.zero

  /// A rested GPU.
  public init(_ limit: PowerLimit) {
    self.limit = limit
    left = limit.credit
  }

  /// The same credit left under a limit with another slowing of decode steps.
  func under(_ limit: PowerLimit) -> PowerReserve {
    var reserve = self
    reserve.limit = limit
    return reserve
  }

  /// Whether a step draws on the reserve: one that computes prompts in pieces.
  ///
  /// In any other it recovers, also where prompts are within one graph (mode `FULL`), which is captured
  /// for few tokens.
  static func isDrawnOn(by launch: StepLaunch, hasPrompts: Bool) -> Bool {
    hasPrompts && !launch.isFullGraph
  }

  /// The GPU pauses, or works on a step that draws nothing of it (`isDrawnOn`).
  public mutating func recover(for time: Nanoseconds) {
    recovering = recovering.addingPause(time)
  }

  /// Microseconds that a step with prompts loses, whose rest is `rest` microseconds at full clock.
  mutating func loss(rest: Double, of work: PromptWork) -> Double {
    comeBack()
    let drawn = drawn(rest, work)
    defer { left = min(max(0, left - drawn), limit.credit) }
    return max(0, drawn - left) + slowed(work)
  }

  /// Microseconds that the rest of a step with prompts would have taken at full clock, from those that
  /// it took.
  mutating func fullClock(rest: Double, of work: PromptWork) -> Double {
    comeBack()
    let rest = rest - slowed(work)
    let attention = drawn(0, work)
    // Of the two unknowns, loss and rest, one line each below and above the floor.
    var full = rest - max(0, attention - left)
    if full > work.floor {
      let above = rest + limit.excess * work.floor - attention + left
      full = min(rest, max(work.floor, above / (1 + limit.excess)))
    }
    left = min(max(0, left - drawn(full, work)), limit.credit)
    return full
  }

  /// Microseconds that a decode step loses that begins now, of times at full clock.
  func decodeLoss(rest: Double, attention: Double) -> Double {
    decodeLoss(rest: rest, attention: attention, after: recovering)
  }

  /// The same of one that begins so long after the last step that drew.
  func decodeLoss(rest: Double, attention: Double, after gap: Nanoseconds) -> Double {
    let share = lowClock(at: gap.microseconds + (rest + attention) / 2)
    return share * (limit.decode.rest * rest + limit.decode.attention * attention)
  }

  /// Microseconds that the rest of a decode step would have taken at full clock, from those that it took.
  func fullClockDecode(rest: Double, attention: Double, after gap: Nanoseconds) -> Double {
    let share = lowClock(at: gap.microseconds + (rest + attention) / 2)
    return (rest - share * limit.decode.attention * attention) / (1 + share * limit.decode.rest)
  }

  /// The same of one that begins now.
  func fullClockDecode(rest: Double, attention: Double) -> Double {
    fullClockDecode(rest: rest, attention: attention, after: recovering)
  }

  /// How much of what the clock can lose is lost so many microseconds after the last step that drew.
  func lowClock(at microseconds: Double) -> Double {
    guard limit.credit > 0 else { return 0 }
    let times = microseconds / limit.decode.clockTime
    return (1 - left / limit.credit) * Elementary.exponential(-times * times)
  }

  private func drawn(_ rest: Double, _ work: PromptWork) -> Double {
    limit.excess * max(0, rest - work.floor)
      + (work.isTriton ? -limit.relief : limit.excess) * work.attention
  }

  private func slowed(_ work: PromptWork) -> Double {
    work.isTriton ? limit.slowing * work.attention : 0
  }

  private mutating func comeBack() {
    guard recovering > .zero else { return }
    let missing = limit.credit - left
    left = limit.credit - missing * Elementary.exponential(-recovering.microseconds / limit.time)
    recovering = .zero
  }
}
