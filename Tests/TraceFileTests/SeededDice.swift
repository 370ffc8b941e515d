/// SplitMix64: the same numbers for a seed on every machine, so that a failure's seed repeats it.
struct SeededDice: RandomNumberGenerator {
  let seed: UInt64
  private var state: UInt64

  init(seed: UInt64) {
    self.seed = seed
    state = seed
  }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }

  /// A number in a range.
  mutating func roll<Number: FixedWidthInteger>(_ range: ClosedRange<Number>) -> Number {
    Number.random(in: range, using: &self)
  }

  /// Whether a chance of one in `sides` comes true.
  mutating func oneIn(_ sides: Int) -> Bool { roll(1...sides) == 1 }

  /// Seeds of random tests: as many as REPRISE_TEST_SEEDS, or `count`, starting at a fixed one.
  static func seeds(_ count: Int) -> [UInt64] { (0..<UInt64(count)).map { 0x5eed_0000 + $0 } }
}
