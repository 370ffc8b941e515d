import KernelSelection
import StepTiming
import Testing
import TraceModel

@Suite("The rest of a step")
struct RestOfStepTests {
  let rest = RestOfStep(
    graphs: [.init(tokens: 1, microseconds: 12_000), .init(tokens: 8, microseconds: 12_350)],
    pieces: [
      .init(tokens: 1024, microseconds: 65_536), .init(tokens: 2048, microseconds: 131_072),
    ])

  @Test("of a captured size is what was recorded for it")
  func looksGraphsUp() {
    #expect(rest.time(of: .fullGraph(paddedTokens: 8)) == Nanoseconds(12_350_000))
  }

  @Test("between captured sizes lies on the line between them")
  func interpolatesGraphs() {
    #expect(rest.time(of: .fullGraph(paddedTokens: 2)) == Nanoseconds(12_050_000))
  }

  @Test("of a batch beyond the captured sizes grows with its tokens once they dominate")
  func extrapolatesGraphs() {
    let small = rest.time(of: .fullGraph(paddedTokens: 16))
    let large = rest.time(of: .fullGraph(paddedTokens: 512))
    #expect(small.milliseconds > 12.35 && small.milliseconds < 12.4)
    #expect(large.milliseconds > 32.768 && large.milliseconds < 33.5)
  }

  @Test("in pieces moves in tiles of 128 tokens")
  func roundsPiecesToTiles() {
    let inside = rest.time(of: .piecewise(paddedTokens: 1000))
    #expect(inside == rest.time(of: .eager(tokens: 1024)))
    #expect(rest.time(of: .eager(tokens: 1025)) == rest.time(of: .eager(tokens: 1152)))
    #expect(rest.time(of: .eager(tokens: 1152)) == Nanoseconds(64_000 * 1152))
  }

  @Test("in pieces never takes less than reading the weights")
  func floorsPieces() {
    #expect(rest.time(of: .piecewise(paddedTokens: 2)).milliseconds >= 12.35)
  }

  @Test("in pieces of few tokens takes what a graph of as many takes, not what a larger one does")
  func floorOfGraphs() {
    let rest = RestOfStep(
      graphs: rest.graphs + [.init(tokens: 512, microseconds: 30_000)], pieces: [])
    #expect(rest.time(of: .eager(tokens: 8)) == Nanoseconds(12_350_000))
    #expect(rest.time(of: .eager(tokens: 512)) == Nanoseconds(30_000_000))
    #expect(rest.time(of: .eager(tokens: 4096)) == Nanoseconds(30_000_000))
  }

  @Test("of a recording is completed by a profile only where the recording has no such launch")
  func completes() {
    let other = RestOfStep(
      graphs: [.init(tokens: 8, microseconds: 1), .init(tokens: 16, microseconds: 12_500)],
      pieces: [])
    let both = rest.completed(by: other)
    #expect(both.graphs.map(\.tokens) == [1, 8, 16])
    #expect(both.time(of: .fullGraph(paddedTokens: 8)) == Nanoseconds(12_350_000))
    #expect(both.time(of: .fullGraph(paddedTokens: 16)) == Nanoseconds(12_500_000))
  }
}
