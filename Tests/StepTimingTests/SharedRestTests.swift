import KernelSelection
import Testing
import TraceModel

@testable import StepTiming

@Suite("The rest of step that several machines show together")
struct SharedRestTests {
  private static let shape = ModelShape(
    name: "test", layers: 2, hiddenSize: 512, intermediateSize: 1024, queryHeads: 4, kvHeads: 2,
    headSize: 128, vocabularySize: 1000, maxModelLength: 4096)

  /// Steps of a machine that takes `level` times as long: graphs, and prompts whose pace moves with the size.
  private static func machine(
    _ level: Double, graphs: [Int], prompts: [Int], count: Int = 40
  ) -> [StepObservation] {
    func step(_ launch: StepLaunch, _ microseconds: Double) -> StepObservation {
      StepObservation(
        launch: launch, family: .triton2D, attention: .zero,
        gpu: Nanoseconds(microseconds: level * microseconds),
        hasPrompts: !launch.isFullGraph)
    }
    return graphs.flatMap { rows in
      (0..<count).map { _ in step(.fullGraph(paddedTokens: rows), 10_000 + 20 * Double(rows)) }
    }
      + prompts.flatMap { tokens in
        (0..<count).map { _ in step(.eager(tokens: tokens), pace(tokens) * Double(tokens)) }
      }
  }

  private static func pace(_ tokens: Int) -> Double { tokens % 1024 == 0 ? 62 : 66 }

  @Test("gives a machine sizes that it was not seen at, at its own level")
  func level() throws {
    let many = Self.machine(1, graphs: [1, 8, 64, 128], prompts: [1024, 1152, 2048, 4096])
    let few = Self.machine(1.05, graphs: [1, 8], prompts: [4096])
    let shared = try #require(SharedRest([many, few]))
    let fit = RestFit(shape: Self.shape, observations: few, shared: shared, reference: nil)
    func close(_ launch: StepLaunch, _ microseconds: Double, within share: Double) -> Bool {
      abs(fit.rest.time(of: launch).microseconds / microseconds - 1) < share
    }
    #expect(close(.fullGraph(paddedTokens: 8), 1.05 * 10_160, within: 1e-3))
    #expect(close(.fullGraph(paddedTokens: 128), 1.05 * 12_560, within: 2e-3))
    // Eight steps' worth of doubt about the level, and a pace drawn a little to the mean.
    #expect(close(.eager(tokens: 1152), 1.045 * 66 * 1152, within: 2e-2))
    #expect(close(.eager(tokens: 2048), 1.045 * 62 * 2048, within: 2e-2))
  }

  @Test("is nothing of one machine")
  func oneMachine() {
    #expect(SharedRest([Self.machine(1, graphs: [1], prompts: [1024])]) == nil)
    #expect(SharedRest([Self.machine(1, graphs: [1], prompts: [1024]), []]) == nil)
  }

  @Test("lets a model's graphs grow as another's beyond its own")
  func grows() {
    let own = RestFit(
      shape: Self.shape, observations: Self.machine(2, graphs: [1, 64], prompts: []),
      reference: nil)
    let other = RestFit(
      shape: Self.shape, observations: Self.machine(1, graphs: [64, 128], prompts: []),
      reference: nil)
    let rest = own.grown(as: other).rest
    #expect(rest.graphs.map(\.tokens) == [1, 64, 128])
    #expect(abs(rest.graphs[2].microseconds - 2 * 12_560) < 1)
    #expect(other.grown(as: own).rest == other.rest)
  }
}
