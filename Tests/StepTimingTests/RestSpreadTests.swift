import Testing

@testable import StepTiming

@Suite("The spread of steps in pieces")
struct RestSpreadTests {
  @Test("has a mean of 1, and every factor as often as any other")
  func coversEvenly() {
    let spread = RestSpread(ratios: (0..<100).map { 0.9 + 0.003 * Double($0) })
    let count = UInt32(spread.factors.count)
    #expect(count > 1)
    let taken = (0..<4 * count).map { spread.factor(after: $0) }
    #expect(abs(taken.reduce(0, +) / Double(taken.count) - 1) < 1e-9)
    for factor in spread.factors { #expect(taken.count { $0 == factor } == 4) }
  }

  @Test("is left alone where too few steps show it")
  func fewSteps() {
    #expect(RestSpread(ratios: [0.5, 2]) == .none)
    #expect(RestSpread.none.factor(after: 7) == 1)
  }
}
