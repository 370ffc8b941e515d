/// NumPy's legacy generator, `np.random.seed(n)`: MT19937 (Matsumoto and Nishimura, 1998).
///
/// Draws the same bits as NumPy 2.4 does for the same seed; its streams are frozen (NEP 19). Used to
/// send the very requests that `vllm bench serve` sends, not where randomness only has to be good.
struct MersenneTwister {
  private static let size = 624
  private static let middle = 397
  private var words: [UInt32]
  private var position = MersenneTwister.size
  /// The second of a pair of normal draws, kept for the next call as the legacy code does.
  var spareGaussian: Double?

  /// Knuth's initialisation, which `np.random.seed` uses for an integer.
  init(seed: UInt32) {
    words = [seed]
    words.reserveCapacity(Self.size)
    for index in 1..<UInt32(Self.size) {
      let previous = words[Int(index) - 1]
      words.append(1_812_433_253 &* (previous ^ (previous >> 30)) &+ index)
    }
  }

  /// The next 32 bits.
  mutating func next32() -> UInt32 {
    if position == Self.size { refill() }
    var word = words[position]
    position += 1
    word ^= word >> 11
    word ^= (word << 7) & 0x9D2C_5680
    word ^= (word << 15) & 0xEFC6_0000
    return word ^ (word >> 18)
  }

  /// The next 64 bits: the earlier word is the upper half.
  mutating func next64() -> UInt64 {
    let high = UInt64(next32())
    return high << 32 | UInt64(next32())
  }

  /// `random_sample()`: 53 bits from two words, at least 0 and below 1.
  mutating func nextDouble() -> Double {
    let high = Double(next32() >> 5)
    let low = Double(next32() >> 6)
    return (high * 67_108_864 + low) / 9_007_199_254_740_992
  }

  private mutating func refill() {
    for index in 0..<Self.size {
      let joined =
        (words[index] & 0x8000_0000) | (words[(index + 1) % Self.size] & 0x7FFF_FFFF)
      let twisted = (joined >> 1) ^ (joined & 1 == 0 ? 0 : 0x9908_B0DF)
      words[index] = words[(index + Self.middle) % Self.size] ^ twisted
    }
    position = 0
  }
}
