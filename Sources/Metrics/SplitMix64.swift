/// A small deterministic generator for resampling: the same seed gives the same numbers everywhere.
///
/// Steele, Lea, Flood: "Fast splittable pseudorandom number generators" (OOPSLA 2014); constants of
/// Java's `SplittableRandom`. Passes BigCrush, which is plenty for choosing blocks.
struct SplitMix64 {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  /// The next 64 bits.
  @inline(__always)
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var bits = state
    bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
    bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
    return bits ^ (bits >> 31)
  }

  /// A number from 0 up to, but without, `bound`; uneven by less than `bound` in 2^64.
  @inline(__always)
  mutating func next(below bound: Int) -> Int {
    Int(truncatingIfNeeded: next().multipliedFullWidth(by: UInt64(bound)).high)
  }
}
