public import TraceModel

/// How one kind of delay differs from step to step: offsets from its mean or its middle value,
/// ascending.
///
/// A replay takes one for each step by a fixed mixing of the step's number, so it stays a pure
/// function and steps of the same number meet the same one under all policies.
public struct DelaySpread: Hashable, Sendable {
  /// The offsets; empty where all delays are equal.
  public let offsets: [Nanoseconds]

  /// Every delay is the same.
  public static let none = DelaySpread(offsets: [])

  /// Given offsets.
  public init(offsets: [Nanoseconds]) { self.offsets = offsets.sorted() }

  /// Quantiles of what delays were above their mean; `none` of too few.
  init(delays: [Nanoseconds]) {
    guard delays.count >= Self.delaysMin else {
      self = .none
      return
    }
    let quantiles = delays.sorted().middles(ofParts: Self.quantiles)
    let mean = Nanoseconds(quantiles.reduce(.zero, +).rawValue / Int64(Self.quantiles))
    self.init(offsets: quantiles.map { $0 - mean })
  }

  /// The same in another proportion.
  func scaled(by numerator: Nanoseconds, over denominator: Nanoseconds) -> DelaySpread {
    DelaySpread(offsets: offsets.map { $0.scaled(by: numerator, over: denominator) })
  }

  /// How far two delays, drawn independently, lie apart in the mean.
  var meanDistance: Nanoseconds {
    guard !offsets.isEmpty else { return .zero }
    // Of n ascending values, the one at `place` is the greater in `place` pairs, the less in the rest.
    var sum = Int64(0)
    for (place, offset) in offsets.enumerated() {
      sum += offset.rawValue * Int64(2 * place + 1 - offsets.count)
    }
    return Nanoseconds(2 * sum / (Int64(offsets.count) * Int64(offsets.count)))
  }

  private static let quantiles = 64
  private static let delaysMin = 256

  /// The offset of a step; that of step 0, whose number no mixing moves, is the middle one.
  public func offset(ofStep step: Int) -> Nanoseconds {
    guard !offsets.isEmpty else { return .zero }
    let place = Self.mixed(UInt64(truncatingIfNeeded: step)) &+ (1 << 63)
    return offsets[Int(place.multipliedFullWidth(by: UInt64(offsets.count)).high)]
  }

  /// The mixing steps of SplitMix64 (Steele, Lea and Flood, 2014), which map 0 to 0.
  private static func mixed(_ number: UInt64) -> UInt64 {
    var value = number
    value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
    return value ^ (value >> 31)
  }
}

extension Nanoseconds {
  /// `self × numerator / denominator`, toward zero; `self` where the denominator is not above zero.
  ///
  /// Bounded to the longest pause, so that it can be added to another time.
  func scaled(by numerator: Nanoseconds, over denominator: Nanoseconds) -> Nanoseconds {
    guard denominator > .zero else { return self }
    let product = Int128(rawValue) * Int128(numerator.rawValue)
    let most = Int128(TimingLimits.pauseMax.rawValue)
    let quotient = product / Int128(denominator.rawValue)
    return Nanoseconds(Int64(min(max(-most, quotient), most)))
  }
}
