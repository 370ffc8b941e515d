import KernelSelection
import Testing
import TraceModel

@testable import StepTiming

@Suite("What prompts lose to the power limit")
struct PowerLimitTests {
  private static let limit = PowerLimit(
    excess: 0.1, relief: 0.2, slowing: 0.04, credit: 5_000, time: 28_000)

  private static func work(_ attention: Double = 0, isTriton: Bool = true) -> PromptWork {
    PromptWork(floor: 10_000, attention: attention, isTriton: isTriton)
  }

  @Test("a step loses what it draws beyond the credit, which rest brings back")
  func loses() {
    var reserve = PowerReserve(Self.limit)
    // 10 % of 60 ms beside the reading of weights is 6 ms, of which 5 were left.
    #expect(abs(reserve.loss(rest: 70_000, of: Self.work()) - 1_000) < 1e-6)
    #expect(abs(reserve.loss(rest: 70_000, of: Self.work()) - 6_000) < 1e-6)
    reserve.recover(for: Nanoseconds(28_000_000))
    let left = 5_000 * (1 - 1 / 2.718281828)
    #expect(abs(reserve.loss(rest: 70_000, of: Self.work()) - (6_000 - left)) < 1e-3)
    // A step of nothing but weights draws nothing.
    #expect(reserve.loss(rest: 9_000, of: Self.work()) == 0)
  }

  @Test("libraries' attention draws as much as the products, Triton's gives back and is slowed")
  func attention() {
    var reserve = PowerReserve(Self.limit)
    _ = reserve.loss(rest: 160_000, of: Self.work())
    var library = reserve
    #expect(
      abs(library.loss(rest: 70_000, of: Self.work(20_000, isTriton: false)) - 8_000) < 1e-6)
    var triton = reserve
    #expect(abs(triton.loss(rest: 70_000, of: Self.work(20_000)) - 2_000 - 800) < 1e-6)
    // 70 ms of it more than pay for the products, and no more than the credit comes back.
    #expect(abs(reserve.loss(rest: 70_000, of: Self.work(70_000)) - 2_800) < 1e-6)
    #expect(abs(reserve.loss(rest: 170_000, of: Self.work()) - 11_000) < 1e-6)
  }

  @Test("a recorded step tells its time at full clock", arguments: [true, false])
  func inverts(isTriton: Bool) {
    for rest in [4_000.0, 12_000, 40_000, 70_000, 500_000] {
      for attention in [0.0, 3_000, 60_000, 600_000] {
        var forth = PowerReserve(Self.limit)
        var back = forth
        for _ in 0..<3 {
          let work = Self.work(attention, isTriton: isTriton)
          let loss = forth.loss(rest: rest, of: work)
          #expect(abs(back.fullClock(rest: rest + loss, of: work) - rest) < 1e-6 * rest)
          forth.recover(for: Nanoseconds(9_000_000))
          back.recover(for: Nanoseconds(9_000_000))
        }
      }
    }
  }

  @Test("a decode step behind prompts is slowed until the clock has come back")
  func slowsDecode() {
    var limit = Self.limit
    limit.decode = .init(rest: 0.02, attention: 0.1, clockTime: 50_000)
    var reserve = PowerReserve(limit)
    #expect(reserve.decodeLoss(rest: 9_000, attention: 1_000) == 0, "a rested GPU")
    _ = reserve.loss(rest: 160_000, of: Self.work())
    // The credit is used up; the step's middle is 5 ms behind the prompt.
    let near = 280 * Elementary.exponential(-0.01)
    #expect(abs(reserve.decodeLoss(rest: 9_000, attention: 1_000) - near) < 1e-3)
    reserve.recover(for: Nanoseconds(45_000_000))
    let later = reserve.decodeLoss(rest: 9_000, attention: 1_000)
    #expect(abs(later / 280 - 0.3679) < 1e-3)
    let full = reserve.fullClockDecode(rest: 9_000 + later, attention: 1_000)
    #expect(abs(full - 9_000) < 1, "but for where the middle of a longer step is")
    reserve.recover(for: Nanoseconds(400_000_000))
    #expect(reserve.decodeLoss(rest: 9_000, attention: 1_000) < 1e-9)
  }

  @Test("how decode steps are slowed is found in recordings, and then no longer in the rest")
  func decodeIsFound() {
    var limit = Self.limit
    limit.decode = .init(rest: 0.02, attention: 0.15, clockTime: 45_000)
    var reserve = PowerReserve(limit)
    var steps: [StepObservation] = []
    for round in 0..<60 {
      let loss = reserve.loss(rest: 70_000, of: Self.work())
      steps.append(
        StepObservation(
          launch: .eager(tokens: 1024), family: .triton2D, attention: .zero,
          gpu: Nanoseconds(microseconds: 70_000 + loss), hasPrompts: true,
          promptGap: round == 0 ? nil : Nanoseconds(130_000_000)))
      var gap = Nanoseconds.zero
      for place in 0..<12 {
        let attention = Double((place + round) % 5) * 400
        let loss = reserve.decodeLoss(rest: 10_000, attention: attention)
        let gpu = Nanoseconds(microseconds: 10_000 + attention + loss)
        steps.append(
          StepObservation(
            launch: .fullGraph(paddedTokens: 8), family: .triton2D,
            attention: Nanoseconds(microseconds: attention), gpu: gpu, hasPrompts: false,
            promptGap: gap))
        reserve.recover(for: gpu)
        gap = gap.addingPause(gpu)
      }
    }
    let found = PowerLimit.DecodeSlowing(steps.isEmpty ? [] : [steps], under: Self.limit)
    #expect(abs(found.rest / 0.02 - 1) < 0.05)
    #expect(abs(found.attention / 0.15 - 1) < 0.05)
    #expect(abs(found.clockTime / 45_000 - 1) < 0.05)
    limit.decode = found
    let fit = RestFit(shape: Self.shape, observations: steps, reference: nil, limit: limit)
    #expect(abs(fit.rest.time(of: .fullGraph(paddedTokens: 8)).microseconds - 10_000) < 5)
    #expect(PowerLimit.DecodeSlowing(Self.steady, under: Self.limit) == .none)
    #expect(PowerLimit.DecodeSlowing([steps], under: .none) == .none)
  }

  /// Decode steps that are all alike, behind prompts or not.
  private static let steady = [
    (0..<400).map { place in
      let isPrompt = place % 20 == 0
      return StepObservation(
        launch: isPrompt ? .eager(tokens: 1024) : .fullGraph(paddedTokens: 8),
        family: .triton2D, attention: .zero,
        gpu: Nanoseconds(microseconds: isPrompt ? 70_000 : 10_000), hasPrompts: isPrompt,
        promptGap: place == 0 ? nil : Nanoseconds(Int64((place + 19) % 20) * 10_000_000))
    }
  ]

  /// Prompts of two sizes on two kinds of kernels, some decode steps between them.
  private static func observations(_ limit: PowerLimit) -> [StepObservation] {
    var reserve = PowerReserve(limit)
    let decode = StepObservation(
      launch: .fullGraph(paddedTokens: 1), family: .triton2D, attention: .zero,
      gpu: Nanoseconds(10_000_000), hasPrompts: false)
    return [decode]
      + (0..<120).map { index in
        let tokens = index % 3 == 0 ? 2048 : 1024
        let gap = Nanoseconds(Int64(index * 7 % 10) * 13_000_000)
        let family: KernelFamily = index % 4 < 2 ? .triton2D : .flashAttention3
        let attention = family == .triton2D ? Double(index % 5) * 10_000 : 4_000
        let rest = 60_000 * Double(tokens) / 1024
        reserve.recover(for: gap)
        let loss = reserve.loss(
          rest: rest, of: Self.work(attention, isTriton: family.isTriton))
        return StepObservation(
          launch: .piecewise(paddedTokens: tokens), family: family,
          attention: Nanoseconds(Int64(attention * 1e3)),
          gpu: Nanoseconds(Int64((attention + rest + loss) * 1e3)), hasPrompts: true,
          promptGap: index == 0 ? nil : gap)
      }
  }

  @Test("is found in recordings, and then no longer in the rest and its spread")
  func isFound() {
    let steps = Self.observations(Self.limit)
    let found = PowerLimit([steps])
    #expect(abs(found.excess / 0.1 - 1) < 0.02)
    #expect(abs(found.relief / 0.2 - 1) < 0.02)
    #expect(abs(found.slowing / 0.04 - 1) < 0.05)
    #expect(abs(found.credit / 5_000 - 1) < 0.02)
    #expect(abs(found.time / 28_000 - 1) < 0.02)
    let fit = RestFit(shape: Self.shape, observations: steps, reference: nil, limit: found)
    let rest = fit.rest.time(of: .piecewise(paddedTokens: 1024))
    #expect((rest.microseconds - 60_000).magnitude < 120)
    #expect(fit.rest.spread.factors.allSatisfy { abs($0 - 1) < 0.003 })
  }

  @Test("has nothing to say of Triton where no step ran on it")
  func withoutTriton() {
    let steps = Self.observations(Self.limit).filter { !$0.family.isTriton || !$0.hasPrompts }
    let found = PowerLimit([steps])
    #expect(found.excess > 0 && found.relief == 0 && found.slowing == 0)
  }

  @Test("is none where steps do not show it, or where there are few")
  func isNone() {
    #expect(PowerLimit([Self.observations(.none)]) == .none)
    #expect(PowerLimit([Array(Self.observations(Self.limit).prefix(20))]) == .none)
    #expect(PowerLimit([]) == .none)
  }

  @Test("a replay's steps draw on it, and decode steps and the engine's rests bring it back")
  func isTimed() throws {
    let rest = RestOfStep(
      graphs: [.init(tokens: 1, microseconds: 10_000)],
      pieces: [.init(tokens: 128, microseconds: 70_000)], limit: Self.limit)
    var timer = try Self.timer(rest)
    var times: [Double] = []
    for (isPrompt, idle) in [(true, 0), (true, 0), (false, 0), (true, 18)] {
      timer.pause(for: Nanoseconds(Int64(idle) * 1_000_000))
      var batch = AttentionBatch(rows: [isPrompt ? (128, 128) : (1, 129)])
      times.append(try timer.time(of: &batch).rest.microseconds)
    }
    let later = 76_000 - 5_000 * (1 - 1 / 2.718281828)
    #expect(zip(times, [71_000, 76_000, 10_000, later]).allSatisfy { abs($0 - $1) < 0.01 })
  }

  @Test("a replay's decode steps behind a prompt take longer, and later ones do not")
  func slowsDecodeSteps() throws {
    var limit = Self.limit
    limit.decode = .init(rest: 0.02, attention: 0.1, clockTime: 50_000)
    let rest = RestOfStep(
      graphs: [.init(tokens: 1, microseconds: 10_000)],
      pieces: [.init(tokens: 128, microseconds: 70_000)], limit: limit)
    var timer = try Self.timer(rest)
    let times = try ([128] + Array(repeating: Int32(1), count: 16)).map { tokens in
      var batch = AttentionBatch(rows: [(tokens, 200)])
      return try timer.time(of: &batch).rest.microseconds
    }
    #expect(abs(times[1] - 10_000 * (1 + 0.02 * Elementary.exponential(-0.01))) < 0.1)
    #expect(zip(times[1...], times[2...]).allSatisfy { $0 >= $1 })
    #expect(times[16] - 10_000 < 0.1)
  }

  @Test("replays that begin after other launches meet steps in pieces in another order")
  func otherOrder() throws {
    let rest = RestOfStep(
      graphs: [], pieces: [.init(tokens: 128, microseconds: 70_000)],
      spread: RestSpread(factors: [0.9, 1, 1.1]))
    func times(after launches: Int) throws -> [Double] {
      var timer = try Self.timer(rest)
      timer.begin(afterLaunches: launches)
      return try (0..<64).map { _ in
        var batch = AttentionBatch(rows: [(128, 128)])
        return try timer.time(of: &batch).rest.microseconds
      }
    }
    let (first, other) = (try times(after: 0), try times(after: 65_537))
    #expect(first != other)
    let means = [first, other].map { $0.reduce(0, +) / 64 }
    #expect(means.allSatisfy { abs($0 / 70_000 - 1) < 0.01 })
  }

  @Test("a prompt within one graph lets it come back, in a replay as in a calibration")
  func promptsInOneGraph() throws {
    #expect(PowerReserve.isDrawnOn(by: .eager(tokens: 9), hasPrompts: true))
    #expect(PowerReserve.isDrawnOn(by: .piecewise(paddedTokens: 9), hasPrompts: true))
    #expect(!PowerReserve.isDrawnOn(by: .fullGraph(paddedTokens: 9), hasPrompts: true))
    #expect(!PowerReserve.isDrawnOn(by: .eager(tokens: 9), hasPrompts: false))
    let rest = RestOfStep(
      graphs: [.init(tokens: 8, microseconds: 10_000)],
      pieces: [.init(tokens: 128, microseconds: 70_000)], limit: Self.limit)
    var timer = try Self.timer(rest, CUDAGraphs(mode: .full, captureSizes: [1, 8]))
    var times: [Double] = []
    for tokens: Int32 in [128, 128, 8, 8, 128] {
      var batch = AttentionBatch(rows: [(tokens, tokens)])
      times.append(try timer.time(of: &batch).rest.microseconds)
    }
    let later = 76_000 - 5_000 * (1 - Elementary.exponential(-20_000 / 28_000))
    #expect(zip(times, [71_000, 76_000, 10_000, 10_000, later]).allSatisfy { abs($0 - $1) < 0.01 })
    let shape = Self.shape
    var recording = CalibrationRecording(
      name: "full", shape: shape,
      context: AttentionContext(
        queryHeads: 1, kvHeads: 1, headSize: 8, kvBlockSize: 16, smCount: 1,
        graphs: CUDAGraphs(mode: .full, captureSizes: [1, 8])),
      policy: ConstantPolicy(variant: .triton2D), requests: Self.request(tokens: 272))
    for (computed, tokens) in [(0, 128), (128, 8), (136, 8), (144, 128)] as [(Int32, Int32)] {
      recording.add(Self.step(computed, tokens, gpu: 10_000_000))
    }
    #expect(
      recording.steps.map(\.promptGap)
        == [nil, .zero, Nanoseconds(10_000_000), Nanoseconds(20_000_000)])
  }

  private static func request(tokens: Int32) -> [TraceRequest] {
    [
      TraceRequest(
        id: RequestID(0), arrival: .zero, promptTokens: TokenCount(tokens),
        outputTokens: TokenCount(1))
    ]
  }

  /// A step of one row; all are scheduled at once, so that nothing pauses.
  private static func step(_ computed: Int32, _ tokens: Int32, gpu: Int64) -> TraceStep {
    TraceStep(
      gpuTime: Nanoseconds(gpu),
      rows: [
        StepRow(request: 0, computed: TokenCount(computed), queryLength: TokenCount(tokens))
      ])
  }

  private static let shape = ModelShape(
    name: "small", layers: 1, hiddenSize: 8, intermediateSize: 8, queryHeads: 1, kvHeads: 1,
    headSize: 8, vocabularySize: 8, maxModelLength: 1000)

  private static func timer(
    _ rest: RestOfStep,
    _ graphs: CUDAGraphs = CUDAGraphs(mode: .fullAndPiecewise, captureSizes: [1])
  ) throws -> PolicyStepTimer {
    try PolicyStepTimer(
      policy: ConstantPolicy(variant: .triton2D), attention: FreeKernel(),
      context: AttentionContext(
        queryHeads: 1, kvHeads: 1, headSize: 8, kvBlockSize: 16, smCount: 1,
        graphs: graphs),
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
