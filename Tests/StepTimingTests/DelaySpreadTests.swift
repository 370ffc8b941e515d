import Testing
import TraceModel

@testable import StepTiming

@Suite("The spread of a delay")
struct DelaySpreadTests {
  private static let spread = DelaySpread(
    delays: (0..<1000).map { Nanoseconds(500_000 + 1000 * Int64($0)) })

  @Test("has a mean of zero, and every offset equally often, step 0 the middle one")
  func coversEvenly() {
    let offsets = Self.spread.offsets
    #expect(offsets.count == 64)
    #expect(offsets.reduce(.zero, +).rawValue.magnitude < 64)
    #expect(Self.spread.offset(ofStep: 0) == offsets[32])
    let steps = 64_000
    var taken: [Nanoseconds: Int] = [:]
    for step in 0..<steps { taken[Self.spread.offset(ofStep: step), default: 0] += 1 }
    for offset in offsets { #expect((800...1200).contains(taken[offset] ?? 0)) }
  }

  @Test("gives neighbouring steps offsets that have nothing to do with each other")
  func isUncorrelated() {
    let values = (0..<20_000).map { Double(Self.spread.offset(ofStep: $0).rawValue) }
    let square = values.reduce(0) { $0 + $1 * $1 }
    let product = zip(values, values.dropFirst()).reduce(0) { $0 + $1.0 * $1.1 }
    #expect(abs(product / square) < 0.03)
  }

  @Test("is none where too few delays show it")
  func fewDelays() {
    #expect(DelaySpread(delays: [.zero, Nanoseconds(9)]) == .none)
    #expect(DelaySpread.none.offset(ofStep: 7) == .zero)
  }
}
