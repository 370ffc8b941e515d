import Testing
import TraceModel

@testable import StepTiming

@Suite("Delays of which some are only bounded")
struct CensoredDelaysTests {
  private static func delays(_ seen: [Int64], atMost bounds: [Int64] = []) -> CensoredDelays {
    var delays = CensoredDelays()
    for delay in seen { delays.add(Nanoseconds(delay)) }
    for bound in bounds { delays.add(atMost: Nanoseconds(bound)) }
    return delays
  }

  @Test("without bounds have the quantiles of what was seen")
  func uncensored() {
    let seen = Self.delays([5, 1, 3, 4, 2])
    #expect(seen.quantiles(5) == (1...5).map { Nanoseconds($0) })
    #expect(seen.median == Nanoseconds(3))
    #expect(Self.delays([7, 7, 7, 9]).quantiles(4).map(\.rawValue) == [7, 7, 7, 9])
    #expect(Self.delays([]).median == nil)
    #expect(Self.delays([], atMost: [3]).median == nil, "a bound alone shows no delay")
  }

  /// A bound above a delay that was seen takes part in all shares below it, one below it in that
  /// one's too.
  @Test("are fewer long ones where bounds show others to be short")
  func censored() {
    // Of eight, two are 10 and 20; six are at most 8, so three quarters lie below 10.
    let short = Self.delays([10, 20], atMost: [8, 8, 8, 8, 8, 8])
    #expect(short.quantiles(8).map(\.rawValue) == [10, 10, 10, 10, 10, 10, 10, 20])
    // By hand: F(30) = 1, F(20) = 1 − 1/5 = 0.8, F(10) = 0.8 × (1 − 1/4) = 0.6.
    let mixed = Self.delays([10, 20, 30], atMost: [5, 15])
    #expect(mixed.quantiles(5).map(\.rawValue) == [10, 10, 10, 20, 30])
    #expect(mixed.quantiles(100).count { $0.rawValue == 30 } == 20)
    #expect(mixed.quantiles(100).count { $0.rawValue == 20 } == 20)
  }

  @Test("have a middle that was seen, unless it lies below all that were")
  func seenMedian() {
    #expect(Self.delays([5, 1, 3, 4, 2]).seenMedian == Nanoseconds(3))
    #expect(Self.delays([10, 20, 30], atMost: [5, 6]).seenMedian == Nanoseconds(10))
    #expect(Self.delays([10, 20], atMost: [8, 8, 8, 8]).seenMedian == nil)
    #expect(Self.delays([]).seenMedian == nil)
    let doubled = Self.delays([10, 20, 30], atMost: [5]).scaled(
      by: Nanoseconds(6), over: Nanoseconds(3))
    #expect(doubled.quantiles(4) == Self.delays([20, 40, 60], atMost: [10]).quantiles(4))
  }

  @Test("estimate the distribution that they were drawn from, seen only where they exceed a limit")
  func unbiased() {
    // Delays 1…1000; each is seen where it exceeds a limit that has nothing to do with it.
    var delays = CensoredDelays()
    var exceeding: [Int64] = []
    for index in 0..<1000 {
      let delay = Int64(1 + (index * 617) % 1000)
      let limit = Int64((index * 271) % 800)
      if delay > limit {
        delays.add(Nanoseconds(delay))
        exceeding.append(delay)
      } else {
        delays.add(atMost: Nanoseconds(limit))
      }
    }
    let median = delays.median?.rawValue ?? 0
    #expect((460...540).contains(median))
    #expect(exceeding.sorted()[exceeding.count / 2] > 600, "what was seen alone is longer")
  }

  @Test("of two recordings count as those of one")
  func pooled() {
    var pooled = Self.delays([10, 20], atMost: [15])
    pooled.add(Self.delays([30], atMost: [5]))
    #expect(pooled.quantiles(7) == Self.delays([10, 20, 30], atMost: [5, 15]).quantiles(7))
    #expect(pooled.count == 5)
    #expect(pooled.seenCount == 3)
  }
}
