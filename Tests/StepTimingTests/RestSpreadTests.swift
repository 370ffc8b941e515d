import Testing

@testable import StepTiming

@Suite("The spread of steps in pieces")
struct RestSpreadTests {
  @Test("has a mean of 1, and every factor as often as any other")
  func coversEvenly() {
    let spread = RestSpread((0..<100).map { (60_000.0, 0.9 + 0.003 * Double($0)) })
    let count = UInt32(spread.factors.count)
    #expect(count > 1)
    let taken = (0..<4 * count).map { spread.factor(after: $0) }
    let mean: Double = taken.reduce(0, +) / Double(taken.count)
    #expect((mean - 1).magnitude < 1e-9)
    for factor in spread.factors { #expect(taken.count { $0 == factor } == 4) }
  }

  @Test("is that of long steps, which never wait for the host")
  func longSteps() {
    typealias Step = (microseconds: Double, ratio: Double)
    let long = (0..<80).map { place -> Step in
      (60_000 + Double(place), place % 2 == 0 ? 0.98 : 1.02)
    }
    let short = (0..<80).map { place -> Step in
      (6_000 + Double(place), place % 10 == 0 ? 1.9 : 0.9)
    }
    #expect(RestSpread(short + long) == RestSpread(long))
    #expect(RestSpread(short) == .none)
  }

  @Test("is left alone where too few steps show it")
  func fewSteps() {
    let few = (0..<31).map { (60_000.0, 0.9 + 0.003 * Double($0)) }
    #expect(RestSpread(few) == .none)
    #expect(RestSpread(few + [(60_000.0, 1)]) != .none)
    #expect(RestSpread.none.factor(after: 7) == 1)
  }
}
