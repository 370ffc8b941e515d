import Testing

@testable import StepTiming

@Suite("The spread of steps in pieces")
struct RestSpreadTests {
  @Test("has a mean of 1, and every factor as often as any other")
  func coversEvenly() {
    let spread = RestSpread((0..<100).map { (1000, 0.9 + 0.003 * Double($0)) })
    let count = UInt32(spread.factors.count)
    #expect(count > 1)
    let taken = (0..<4 * count).map { spread.factor(after: $0) }
    let mean: Double = taken.reduce(0, +) / Double(taken.count)
    #expect((mean - 1).magnitude < 1e-9)
    for factor in spread.factors { #expect(taken.count { $0 == factor } == 4) }
  }

  @Test("is that of the larger steps, which never wait for the host")
  func largerHalf() {
    typealias Step = (tokens: Int, ratio: Double)
    let large = (0..<80).map { place -> Step in (2000 + place, place % 2 == 0 ? 0.98 : 1.02) }
    let small = (0..<80).map { place -> Step in (100 + place, place % 10 == 0 ? 1.9 : 0.9) }
    #expect(RestSpread(small + large) == RestSpread(large))
  }

  @Test("is left alone where too few steps show it")
  func fewSteps() {
    let few = (0..<63).map { (1000, 0.9 + 0.003 * Double($0)) }
    #expect(RestSpread(few) == .none)
    #expect(RestSpread(few + [(1000, 1)]) != .none)
    #expect(RestSpread.none.factor(after: 7) == 1)
  }
}
