import KernelSelection
import StepTiming
import TraceModel

@testable import EngineSimulation

/// An engine small enough to follow by hand: blocks of 4 tokens, 8 tokens a step, if not told otherwise.
func smallEngine(
  budget: Int = 8, sequences: Int = 8, blocks: Int = 64, prefixCaching: Bool = false,
  asynchronous: Bool = true, threshold: Int = 0, reserves: Bool = true, maxModelLength: Int = 1000,
  blockSize: Int = 4, rules: SchedulerRules = .newest
) -> EngineModel {
  EngineModel(
    name: "small",
    model: ModelShape(
      name: "small", layers: 1, hiddenSize: 8, intermediateSize: 8, queryHeads: 1, kvHeads: 1,
      headSize: 8, vocabularySize: 8, maxModelLength: maxModelLength),
    smCount: 1, maxBatchedTokens: budget, maxSequences: sequences, kvBlockSize: blockSize,
    kvBlocks: blocks,
    prefixCaching: prefixCaching, asyncScheduling: asynchronous,
    longPrefillTokenThreshold: threshold, reservesFullPrompt: reserves,
    rules: rules, graphs: CUDAGraphs(mode: .fullAndPiecewise, captureSizes: [1, 2, 4, 8]))
}

/// Requests of (arrival in ms, prompt tokens, output tokens, prefix blocks).
func requests(
  _ list: [(arrival: Int64, prompt: Int32, outputs: Int32, prefix: [UInt64])]
) -> [TraceRequest] {
  list.enumerated().map { index, entry in
    TraceRequest(
      id: RequestID(Int64(index)), arrival: milliseconds(entry.arrival),
      promptTokens: TokenCount(entry.prompt), outputTokens: TokenCount(entry.outputs),
      prefixBlocks: entry.prefix)
  }
}

/// Requests without prefix blocks.
func requests(_ list: [(arrival: Int64, prompt: Int32, outputs: Int32)]) -> [TraceRequest] {
  requests(list.map { ($0.arrival, $0.prompt, $0.outputs, []) })
}

func milliseconds(_ count: Int64) -> Nanoseconds { Nanoseconds(count * 1_000_000) }

/// Times a step at a constant plus so much for each token beyond the rows.
struct LinearTimer: StepTimer {
  var step = milliseconds(10)
  var token = milliseconds(1)

  mutating func time(of batch: inout AttentionBatch) throws(TimingError) -> StepTime {
    let summary = batch.summary
    return StepTime(
      attention: token * (summary.tokens - summary.rows), rest: step, regret: .zero,
      variant: .triton2D,
      launch: summary.isSingleTokenOnly
        ? .fullGraph(paddedTokens: summary.rows) : .piecewise(paddedTokens: summary.tokens))
  }
}

/// Refuses every step.
struct FailingTimer: StepTimer {
  mutating func time(of batch: inout AttentionBatch) throws(TimingError) -> StepTime {
    throw .variantWithoutTiming(variant: "none", available: [])
  }
}

/// Keeps every step.
struct StepRecorder: StepObserver {
  static var wantsSteps: Bool { true }
  var steps: [TraceStep] = []
  var times: [StepTime] = []

  mutating func observe(_ step: TraceStep, time: StepTime) {
    steps.append(step)
    times.append(time)
  }
}

/// Steps held in memory.
struct StepList: StepSequence {
  var steps: [TraceStep]
  var place = 0

  mutating func next(into step: inout TraceStep) -> Bool {
    guard place < steps.count else { return false }
    step = steps[place]
    place += 1
    return true
  }
}

/// A replay with the steps it took.
func replay(
  _ requests: [TraceRequest], on engine: EngineModel, prefixBlockTokens: Int? = nil,
  recordedHits: [TokenCount]? = nil, host: HostTiming = HostTiming()
) throws -> (outcome: ReplayOutcome, steps: [TraceStep]) {
  let replay = RescheduledReplay(
    requests: requests, prefixBlockTokens: prefixBlockTokens, recordedHits: recordedHits,
    engine: engine, host: host)
  var timer = LinearTimer()
  var recorder = StepRecorder()
  let outcome = try replay.run(&timer, observer: &recorder)
  return (outcome, recorder.steps)
}

/// Batches as text, a line each: rows as `request:computed+new`, then what was preempted.
func text(_ steps: [TraceStep]) -> String {
  steps.map { step in
    var line = step.rows.map {
      "\($0.request):\($0.computed.rawValue)+\($0.queryLength.rawValue)"
    }.joined(separator: " ")
    if !step.preempted.isEmpty {
      line += " preempted " + step.preempted.map(String.init).joined(separator: " ")
    }
    return line
  }.joined(separator: "\n")
}
