import KernelSelection
import StepTiming
import Testing
import TraceModel

/// Chooses one variant whatever the batch.
struct ConstantPolicy: SelectionPolicy {
  let variant: KernelVariant
  var name: String { "constant" }
  var explanation: String { "Always the same variant." }
  var source: String { "a test" }
  var variants: [KernelVariant] { [variant] }
  func choose(for batch: BatchSummary, in context: AttentionContext) -> VariantChoice {
    .variant(variant)
  }
}

/// The fastest of both Triton variants.
private struct OraclePolicy: SelectionPolicy {
  var name: String { "oracle" }
  var explanation: String { "The faster one." }
  var source: String { "a test" }
  var variants: [KernelVariant] { [.triton2D, .triton3D16] }
  func choose(for batch: BatchSummary, in context: AttentionContext) -> VariantChoice { .fastest }
}

/// 2D takes 1 µs per token of the longest row; 3D takes 40 µs, and runs single tokens only.
private struct TwoKernels: AttentionTiming {
  var source: TimingSource { .profile }
  var variants: [KernelVariant] { [.triton2D, .triton3D16] }
  func attentionTime(
    of variant: KernelVariant, for batch: AttentionBatch, in context: AttentionContext
  ) throws(TimingError) -> Nanoseconds {
    if variant == .triton2D { return Nanoseconds(1000) * batch.summary.maxKVLength }
    guard batch.summary.isSingleTokenOnly else {
      throw .batchWithoutTiming(variant: variant.name, batch: "prompts")
    }
    return Nanoseconds(40_000)
  }
}

/// The variant of as many splits as the longest row has tokens, of 1 to 8.
private struct ChoosingPolicy: SelectionPolicy {
  var name: String { "choosing" }
  var explanation: String { "As many splits as tokens." }
  var source: String { "a test" }
  var variants: [KernelVariant] { (1...8).map { KernelVariant(.tritonMLA, segments: $0) } }
  var timesItsChoiceAlone: Bool { true }
  func choose(for batch: BatchSummary, in context: AttentionContext) -> VariantChoice {
    .variant(KernelVariant(.tritonMLA, segments: batch.maxKVLength))
  }
}

/// 1 µs a split; it refuses what is asked beyond `admitted`.
private struct FewSplits: AttentionTiming {
  let admitted: Set<Int>
  var source: TimingSource { .profile }
  var variants: [KernelVariant] { (1...8).map { KernelVariant(.tritonMLA, segments: $0) } }
  func attentionTime(
    of variant: KernelVariant, for batch: AttentionBatch, in context: AttentionContext
  ) throws(TimingError) -> Nanoseconds {
    guard admitted.contains(variant.segments) else {
      throw .execution("\(variant.name) was asked for")
    }
    return Nanoseconds(1000) * variant.segments
  }
}

@Suite("Step times of a policy")
struct PolicyStepTimerTests {
  static let context = AttentionContext(
    queryHeads: 32, kvHeads: 8, headSize: 128, smCount: 132,
    graphs: CUDAGraphs(mode: .fullAndPiecewise, captureSizes: [1, 2, 4, 8]))
  static let rest = RestOfStep(
    graphs: [.init(tokens: 4, microseconds: 10)], pieces: [.init(tokens: 128, microseconds: 20)])

  func timer(_ policy: any SelectionPolicy, candidates: [KernelVariant] = []) throws
    -> PolicyStepTimer
  {
    try PolicyStepTimer(
      policy: policy, attention: TwoKernels(), context: Self.context, layers: 2, rest: Self.rest,
      candidates: candidates)
  }

  @Test("ask for no more than the choice where a policy lists far more than a batch admits")
  func choiceAlone() throws {
    let packaged = try SelectionPolicies.named("vllm-mla-0.33@vllm-0.24.0")
    #expect(packaged.timesItsChoiceAlone)
    func timer(_ admitted: Set<Int>, rivals: [any SelectionPolicy]) throws -> PolicyStepTimer {
      try PolicyStepTimer(
        policy: ChoosingPolicy(), attention: FewSplits(admitted: admitted), context: Self.context,
        layers: 2, rest: Self.rest, candidates: [], rivals: rivals)
    }
    var batch = AttentionBatch(rows: [(1, 5)])
    var alone = try timer([5], rivals: [])
    let time = try alone.time(of: &batch)
    #expect(time.attention == Nanoseconds(10_000) && time.regret == .zero)
    #expect(alone.candidateTimes.compactMap(\.self).count == 1)
    // A rival that can choose any of its variants has all of them timed.
    let two = ConstantPolicy(variant: KernelVariant(.tritonMLA, segments: 2))
    var beside = try timer([2, 5], rivals: [two])
    let judged = try beside.time(of: &batch)
    #expect(judged.regret == Nanoseconds(6000))
    #expect(judged.fastest == two.variant)
  }

  @Test("are attention times layers plus the rest of the padded launch")
  func addsUp() throws {
    var timer = try timer(ConstantPolicy(variant: .triton2D))
    var batch = AttentionBatch(rows: [(1, 30), (1, 50), (1, 10)])
    let time = try timer.time(of: &batch)
    #expect(time.launch == .fullGraph(paddedTokens: 4))
    #expect(batch.summary.paddedRows == 4)
    #expect(time.attention == Nanoseconds(100_000))
    #expect(time.rest == Nanoseconds(10_000))
    #expect(time.gpu == Nanoseconds(110_000))
    #expect(time.regret == .zero)
  }

  @Test("regret what a faster candidate would have taken")
  func regrets() throws {
    var timer = try timer(ConstantPolicy(variant: .triton2D), candidates: [.triton3D16])
    var long = AttentionBatch(rows: [(1, 100)])
    #expect(try timer.time(of: &long).regret == Nanoseconds(120_000))
    var short = AttentionBatch(rows: [(1, 10)])
    #expect(try timer.time(of: &short).regret == .zero)
  }

  @Test("of the oracle take whichever variant is faster, and never one that cannot run")
  func oracleChooses() throws {
    var timer = try timer(OraclePolicy())
    var long = AttentionBatch(rows: [(1, 100)])
    #expect(try timer.time(of: &long).variant == .triton3D16)
    var short = AttentionBatch(rows: [(1, 10)])
    #expect(try timer.time(of: &short).variant == .triton2D)
    var prompt = AttentionBatch(rows: [(100, 100)])
    #expect(try timer.time(of: &prompt).variant == .triton2D)
  }

  @Test("of a variant that cannot run the batch are the error that its timing gives")
  func refusesBatch() throws {
    var timer = try timer(ConstantPolicy(variant: .triton3D16))
    var prompt = AttentionBatch(rows: [(1, 7), (100, 100)])
    #expect(
      throws: TimingError.batchWithoutTiming(
        variant: "triton-3d-16", batch: "prompts")
    ) { _ = try timer.time(of: &prompt) }
  }

  @Test("of a variant without timing are refused before the first step")
  func refusesVariant() {
    #expect(
      throws: TimingError.variantWithoutTiming(
        variant: "flashinfer", available: ["triton-2d", "triton-3d-16"])
    ) { _ = try timer(ConstantPolicy(variant: .flashInfer)) }
  }

  @Test("of a recording give its own step times back on average, whatever is known before")
  func recordedRestGivesStepTimesBack() throws {
    let steps = [
      Self.step([10, 20, 30], gpu: 100_000), Self.step([10, 20, 40, 5], gpu: 130_000),
      Self.step([50], gpu: 105_000),
    ]
    for prior in [nil, RestOfStep(graphs: [.init(tokens: 4, microseconds: 30)], pieces: [])] {
      let (rest, pace) = try Self.parts(of: steps, prior: prior)
      var timer = try PolicyStepTimer(
        policy: ConstantPolicy(variant: .triton2D), attention: TwoKernels(), context: Self.context,
        layers: 2, rest: rest, pace: pace, candidates: [])
      var sums: [Int: (recorded: Int64, replayed: Int64)] = [:]
      for step in steps {
        var batch = AttentionBatch(
          rows: step.rows.map { ($0.queryLength.rawValue, $0.kvLength.rawValue) })
        let time = try timer.time(of: &batch)
        sums[time.launch.tokens, default: (0, 0)].recorded += try #require(step.gpuTime).rawValue
        sums[time.launch.tokens, default: (0, 0)].replayed += time.gpu.rawValue
      }
      #expect(sums.count == 2)
      for (size, sum) in sums {
        #expect((sum.recorded - sum.replayed).magnitude < 10, "size \(size): \(sum)")
      }
    }
  }

  @Test("of a recording leave to the rest what is known of it, where its kernel ran slow")
  func recordedRestKeepsToWhatIsKnown() throws {
    // The kernel takes 1 µs a token in each of 2 layers: 200 µs; the engine took 3 % more for it.
    let steps = (0..<20).map { _ in Self.step([100], gpu: 206_000 + 50_000) }
    let prior = RestOfStep(graphs: [.init(tokens: 1, microseconds: 50)], pieces: [])
    let known = try Self.parts(of: steps, prior: prior).rest.time(of: .fullGraph(paddedTokens: 1))
    let unknown = try Self.parts(of: steps, prior: nil).rest.time(of: .fullGraph(paddedTokens: 1))
    #expect((known - Nanoseconds(50_000)).rawValue.magnitude < 1_500, "\(known)")
    #expect(unknown > known)
  }

  @Test("of a recording take no part of a step whose GPU time is zero")
  func zeroGPUTime() throws {
    let steps = [Self.step([50], gpu: 150_000), Self.step([50], gpu: 150_000)]
    let known = try Self.parts(of: steps, prior: nil)
    let other = try Self.parts(of: steps + [Self.step([50], gpu: 0)], prior: nil)
    #expect(known.rest == other.rest && known.pace == other.pace)
  }

  @Test("of a recording tell nothing of sizes whose launch takes longer, by any of their steps")
  func boundByLaunch() throws {
    let prior = RestOfStep(graphs: [], pieces: [.init(tokens: 128, microseconds: 100)])
    let host = HostTiming(pieceLaunch: Nanoseconds(500_000))
    func prompt(gpu: Int64) -> TraceStep {
      TraceStep(
        gpuTime: Nanoseconds(gpu),
        rows: [StepRow(request: 0, computed: .zero, queryLength: TokenCount(100))])
    }
    let steps = [520_000, 480_000, 900_000].map { prompt(gpu: $0) }
    let bound = try Self.parts(of: steps, prior: prior, host: host)
    #expect(bound.rest.pieces.isEmpty)
    #expect(bound.pace == .asTimed)
    #expect(try !Self.parts(of: steps, prior: prior).rest.pieces.isEmpty)
  }

  @Test("longer than any step's are no times")
  func tooLong() throws {
    var timer = try PolicyStepTimer(
      policy: ConstantPolicy(variant: .triton2D), attention: TwoKernels(), context: Self.context,
      layers: 10_000, rest: Self.rest, candidates: [])
    var batch = AttentionBatch(rows: [(1 << 30, .max)])
    #expect(
      throws: TimingError.batchWithoutTiming(
        variant: "triton-2d", batch: "1 rows, 1 of them prompts")
    ) { _ = try timer.time(of: &batch) }
  }

  private static func step(_ lengths: [Int32], gpu: Int64) -> TraceStep {
    TraceStep(
      gpuTime: Nanoseconds(gpu),
      rows: lengths.map {
        StepRow(request: 0, computed: TokenCount($0 - 1), queryLength: TokenCount(1))
      })
  }

  private static func parts(
    of steps: [TraceStep], prior: RestOfStep?, host: HostTiming? = nil
  ) throws -> (rest: RestOfStep, pace: KernelPace) {
    var recorded = try RecordedRest(
      policy: ConstantPolicy(variant: .triton2D), attention: TwoKernels(), context: context,
      layers: 2, prior: prior, host: host)
    for step in steps { try recorded.add(step) }
    return recorded.parts
  }
}
