/// NumPy's `default_rng(seed)`: PCG64 (O'Neill, 2014) seeded through `SeedSequence`.
///
/// Draws the same bits as NumPy 2.4; vLLM's random dataset takes its lengths from it since August 2025.
struct PermutedCongruentialGenerator {
  private static let multiplier: UInt128 = 0x2360_ED05_1FC6_5DA4_4385_DF64_9FCC_F645
  private var state: UInt128 = 0
  private let increment: UInt128
  /// The upper half of the last 64 bits, when only the lower was asked for.
  private var spare: UInt32?

  init(seed: UInt64) {
    let words = SeedSequence(seed: seed).words(4)
    increment = (UInt128(words[2]) << 64 | UInt128(words[3])) << 1 | 1
    step()
    state &+= UInt128(words[0]) << 64 | UInt128(words[1])
    step()
  }

  private mutating func step() { state = state &* Self.multiplier &+ increment }

  /// The next 64 bits (XSL RR: the halves folded, then rotated by the top six bits).
  mutating func next64() -> UInt64 {
    step()
    let folded = UInt64(truncatingIfNeeded: state >> 64) ^ UInt64(truncatingIfNeeded: state)
    let rotation = UInt64(truncatingIfNeeded: state >> 122)
    return folded >> rotation | folded << ((64 - rotation) & 63)
  }

  /// The next 32 bits: the lower half of a draw first, its upper half the next time.
  mutating func next32() -> UInt32 {
    if let upper = spare {
      spare = nil
      return upper
    }
    let both = next64()
    spare = UInt32(truncatingIfNeeded: both >> 32)
    return UInt32(truncatingIfNeeded: both)
  }

  /// `Generator.integers(low, high)`: Lemire's rejection; a range of one value draws nothing.
  mutating func integer(in range: Range<Int64>) -> Int64 {
    let span = UInt64(bitPattern: range.upperBound &- 1 &- range.lowerBound)
    let offset: UInt64
    switch span {
    case 0: offset = 0
    case ..<UInt64(UInt32.max): offset = UInt64(bounded32(UInt32(span)))
    case UInt64(UInt32.max): offset = UInt64(next32())
    case UInt64.max: offset = next64()
    default: offset = bounded64(span)
    }
    return range.lowerBound &+ Int64(bitPattern: offset)
  }

  private mutating func bounded32(_ span: UInt32) -> UInt32 {
    let count = span + 1
    var product = count.multipliedFullWidth(by: next32())
    if product.low < count {
      let threshold = (UInt32.max - span) % count
      while product.low < threshold { product = count.multipliedFullWidth(by: next32()) }
    }
    return product.high
  }

  private mutating func bounded64(_ span: UInt64) -> UInt64 {
    let count = span + 1
    var product = count.multipliedFullWidth(by: next64())
    if product.low < count {
      let threshold = (UInt64.max - span) % count
      while product.low < threshold { product = count.multipliedFullWidth(by: next64()) }
    }
    return product.high
  }
}

/// NumPy's `SeedSequence(n)`: spreads a small seed over a pool of 128 bits (O'Neill's `seed_seq_fe`).
struct SeedSequence {
  private var pool: [UInt32] = []

  init(seed: UInt64) {
    // NumPy splits the integer into as many words as it needs; absent words hash as zero.
    var hash = HashConstant(value: 0x43B0_D7E5, multiplier: 0x931E_8875)
    let entropy = [UInt32(truncatingIfNeeded: seed), UInt32(seed >> 32), 0, 0]
    pool = entropy.map { hash.mix($0) }
    for source in 0..<4 {
      for target in 0..<4 where target != source {
        pool[target] = Self.combine(pool[target], hash.mix(pool[source]))
      }
    }
  }

  /// `generate_state(count, np.uint64)`.
  func words(_ count: Int) -> [UInt64] {
    var hash = HashConstant(value: 0x8B51_F9DD, multiplier: 0x58F3_8DED)
    return (0..<count).map { index in
      let low = hash.mix(pool[(2 * index) % 4])
      let high = hash.mix(pool[(2 * index + 1) % 4])
      return UInt64(high) << 32 | UInt64(low)
    }
  }

  private static func combine(_ x: UInt32, _ y: UInt32) -> UInt32 {
    let result = 0xCA01_F9DD &* x &- 0x4973_F715 &* y
    return result ^ (result >> 16)
  }

  /// The constant that changes with every word hashed.
  private struct HashConstant {
    var value: UInt32
    let multiplier: UInt32

    mutating func mix(_ word: UInt32) -> UInt32 {
      let mixed = word ^ value
      value = value &* multiplier
      let result = mixed &* value
      return result ^ (result >> 16)
    }

  }
}
