import KernelSelection
import Testing
import TraceModel

@testable import StepTiming

@Suite("What a prompt loses shortly after another")
struct PromptRecoveryTests {
  private static let recovery = PromptRecovery(share: 0.1, span: 60_000, time: 28_000)

  @Test("falls with the time since then, and is no more for a longer step")
  func falls() {
    let recovery = Self.recovery
    #expect(recovery.loss(rest: 60_000, after: nil) == 0)
    #expect(recovery.loss(rest: 60_000, after: .zero) == 6_000)
    #expect(recovery.loss(rest: 120_000, after: .zero) == 6_000)
    #expect(recovery.loss(rest: 30_000, after: .zero) == 3_000)
    let later = recovery.loss(rest: 60_000, after: Nanoseconds(28_000_000))
    #expect(abs(later - 6_000 / 2.718281828) < 1e-3)
  }

  /// Steps of two sizes, each a decode step of 13 ms or more after another prompt.
  private static func observations(_ recovery: PromptRecovery) -> [StepObservation] {
    (0..<90).map { index in
      let tokens = index % 3 == 0 ? 2048 : 1024
      let gap = Nanoseconds(Int64(index % 10) * 13_000_000)
      let rest = 60_000 * Double(tokens) / 1024
      let gpu = rest + recovery.loss(rest: rest, after: gap)
      return StepObservation(
        launch: .piecewise(paddedTokens: tokens), family: .triton2D, attention: .zero,
        gpu: Nanoseconds(Int64(gpu * 1e3)), promptGap: gap)
    }
  }

  @Test("is found in a recording, and then no longer in the rest and its spread")
  func isFound() {
    let steps = Self.observations(Self.recovery)
    let found = PromptRecovery(steps)
    #expect(found.time == 28_000)
    #expect(abs(found.share * found.span - 6_000) < 60)
    let fit = RestFit(shape: Self.shape, observations: steps, reference: nil)
    let rest = fit.rest.time(of: .piecewise(paddedTokens: 1024))
    #expect((rest.microseconds - 60_000).magnitude < 60)
    #expect(fit.rest.spread.factors.allSatisfy { abs($0 - 1) < 0.002 })
    let behind = fit.rest.time(of: .piecewise(paddedTokens: 1024), promptGap: .zero)
    #expect((behind.microseconds - 66_000).magnitude < 300)
  }

  @Test("is none where steps do not show it, or where there are few")
  func isNone() {
    #expect(PromptRecovery(Self.observations(.none)) == .none)
    #expect(PromptRecovery(Array(Self.observations(Self.recovery).prefix(20))) == .none)
  }

  @Test("is timed by the steps since then, and by rests of the engine")
  func isTimed() throws {
    let rest = RestOfStep(
      graphs: [.init(tokens: 1, microseconds: 28_000)],
      pieces: [.init(tokens: 128, microseconds: 60_000)], recovery: Self.recovery)
    var timer = try Self.timer(rest)
    var times: [Double] = []
    for (isPrompt, idle) in [(true, 0), (true, 0), (false, 0), (true, 0), (true, 28)] {
      timer.rest(for: Nanoseconds(Int64(idle) * 1_000_000))
      var batch = AttentionBatch(rows: [isPrompt ? (128, 128) : (1, 129)])
      times.append(try timer.time(of: &batch).rest.microseconds)
    }
    let later = 60_000 + 6_000 / 2.718281828
    #expect(zip(times, [60_000, 66_000, 28_000, later, later]).allSatisfy { abs($0 - $1) < 0.01 })
  }

  private static let shape = ModelShape(
    name: "small", layers: 1, hiddenSize: 8, intermediateSize: 8, queryHeads: 1, kvHeads: 1,
    headSize: 8, vocabularySize: 8, maxModelLength: 1000)

  private static func timer(_ rest: RestOfStep) throws -> PolicyStepTimer {
    try PolicyStepTimer(
      policy: ConstantPolicy(variant: .triton2D), attention: FreeKernel(),
      context: AttentionContext(
        queryHeads: 1, kvHeads: 1, headSize: 8, kvBlockSize: 16, smCount: 1,
        graphs: CUDAGraphs(mode: .fullAndPiecewise, captureSizes: [1])),
      layers: 1, rest: rest, candidates: [])
  }
}

/// Attention that takes no time.
private struct FreeKernel: AttentionTiming {
  let source = TimingSource.profile
  let variants = [KernelVariant.triton2D]

  func attentionTime(
    of variant: KernelVariant, for batch: AttentionBatch, in context: AttentionContext
  ) throws(TimingError) -> Nanoseconds { .zero }
}
