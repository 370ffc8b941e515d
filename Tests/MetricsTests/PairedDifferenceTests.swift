import Testing

@testable import Metrics

@Suite("A paired difference")
struct PairedDifferenceTests {
  /// Numbers of roughly normal spread around zero with deviation 1: twelve uniforms minus six.
  static func noise(_ count: Int, _ generator: inout SplitMix64) -> [Double] {
    (0..<count).map { _ in
      (0..<12).reduce(-6) { sum, _ in sum + Double(generator.next() >> 11) / 0x1p53 }
    }
  }

  @Test("is the mean of b − a, and relative to the mean of a")
  func means() throws {
    let difference = try #require(
      PairedDifference.bootstrap(
        a: Array(repeating: [10, 20, 30], count: 4).flatMap(\.self),
        b: Array(repeating: [11, 18, 34], count: 4).flatMap(\.self), seed: 1))
    #expect(difference.mean == 1)
    #expect(difference.relative == 0.05)
    #expect(difference.pairs == 12)
  }

  @Test(
    "of a constant shift has an interval without width", arguments: [1, 9, 10, 31, 32, 150, 4000])
  func constantShift(pairs: Int) {
    let a = (0..<pairs).map { Double($0 % 17) * 0.5 }
    let difference = PairedDifference.bootstrap(a: a, b: a.map { $0 + 0.25 }, seed: 3)
    guard pairs >= 10 else {
      #expect(difference == nil)
      return
    }
    #expect(difference?.mean == 0.25)
    #expect(difference?.low == 0.25)
    #expect(difference?.high == 0.25)
    let same = PairedDifference.bootstrap(a: a, b: a, seed: 3)
    #expect(same?.low == 0 && same?.high == 0 && same?.relative == 0)
  }

  @Test("lies in its interval, which the seed alone changes")
  func containsTheMean() throws {
    let seed: UInt64 = 20_250_617
    print("seed \(seed)")
    var generator = SplitMix64(seed: seed)
    for pairs in BootstrapLimits.pairsMin...80 {
      let a = Self.noise(pairs, &generator).map { 100 + $0 }
      let b = zip(a, Self.noise(pairs, &generator)).map { $0 + 0.3 * $1 }
      let first = try #require(PairedDifference.bootstrap(a: a, b: b, seed: 1, resamples: 200))
      #expect(first.low <= first.mean && first.mean <= first.high, "\(pairs) pairs")
      #expect(first.relativeLow <= first.relative && first.relative <= first.relativeHigh)
      #expect(first == PairedDifference.bootstrap(a: a, b: b, seed: 1, resamples: 200))
      let other = try #require(PairedDifference.bootstrap(a: a, b: b, seed: 2, resamples: 200))
      #expect(other.mean == first.mean)
      if pairs > 10 { #expect(other.low != first.low || other.high != first.high) }
    }
  }

  @Test("has intervals that hold the true mean about 95 times in 100")
  func coverage() throws {
    let seed: UInt64 = 48_076
    print("seed \(seed)")
    var generator = SplitMix64(seed: seed)
    var held = 0
    for trial in 0..<200 {
      let a = Self.noise(60, &generator).map { 50 + 10 * $0 }
      let b = zip(a, Self.noise(60, &generator)).map { $0 + 1.5 + 2 * $1 }
      let difference = try #require(
        PairedDifference.bootstrap(a: a, b: b, seed: UInt64(trial), resamples: 300))
      if difference.low <= 1.5 && 1.5 <= difference.high { held += 1 }
    }
    // 190 of 200 expected, with a deviation of 3; percentile intervals of few blocks run short.
    #expect((178...198).contains(held), "\(held) of 200")
  }

  @Test("has wider intervals where neighbours share what they differ by")
  func correlatedNeighbours() throws {
    var generator = SplitMix64(seed: 5)
    let levels = Self.noise(60, &generator)
    let clustered = levels.flatMap { Array(repeating: $0, count: 20) }
    // The same values far from their likes: 20 rounds over all levels.
    let spread = (0..<20).flatMap { _ in levels }
    let zeros = [Double](repeating: 0, count: 1200)
    let wide = try #require(PairedDifference.bootstrap(a: zeros, b: clustered, seed: 1))
    let narrow = try #require(PairedDifference.bootstrap(a: zeros, b: spread, seed: 1))
    #expect((wide.mean - narrow.mean).magnitude < 1e-12)
    #expect(wide.high - wide.low > 2 * (narrow.high - narrow.low))
    #expect(wide.relative == 0 && wide.relativeHigh == 0)
  }

  @Test("cuts requests into blocks: one each below 33, at most 256, together all")
  func blocks() {
    let expected = [
      (2, 2), (31, 31), (32, 32), (33, 32), (150, 32), (1000, 100), (4096, 256), (19366, 256),
    ]
    for (pairs, count) in expected {
      #expect(ConsecutiveBlocks.count(forPairs: pairs) == count, "\(pairs) pairs")
    }
    for pairs in 2...400 {
      let ones = [Double](repeating: 1, count: pairs)
      let blocks = ConsecutiveBlocks(a: ones, b: ones).blocks
      #expect(blocks.count == ConsecutiveBlocks.count(forPairs: pairs))
      #expect(blocks.reduce(0) { $0 + $1.pairs } == Double(pairs))
      #expect(blocks.reduce(0) { $0 + $1.baseline } == Double(pairs))
      let sizes = blocks.map(\.pairs)
      #expect((sizes.max() ?? 0) - (sizes.min() ?? 0) <= 1)
    }
  }

  @Test("draws the numbers of SplitMix64")
  func generator() {
    // The first outputs for seed 1234567, as published with the reference implementation.
    var generator = SplitMix64(seed: 1_234_567)
    let expected: [UInt64] = [
      6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423,
      4_593_380_528_125_082_431, 16_408_922_859_458_223_821,
    ]
    #expect(expected.map { _ in generator.next() } == expected)
    var counts = [0, 0, 0]
    for _ in 0..<3000 { counts[generator.next(below: 3)] += 1 }
    #expect(counts.allSatisfy { (900...1100).contains($0) })
  }
}
