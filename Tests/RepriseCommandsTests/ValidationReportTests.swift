import EngineSimulation
import KernelSelection
import StepTiming
import TestSupport
import Testing
import TraceModel

@testable import Reports

/// Steps held in memory.
private struct StepList: StepSequence {
  var steps: [TraceStep]
  private var place = 0

  init(_ steps: [TraceStep]) { self.steps = steps }

  mutating func next(into step: inout TraceStep) -> Bool {
    guard place < steps.count else { return false }
    step = steps[place]
    place += 1
    return true
  }
}

/// A run of two requests, each with a prompt in one step and tokens in ten more, one after the
/// other.
private struct SmallRun {
  static let requests = (0..<2).map { index in
    TraceRequest(
      id: RequestID(Int64(index)), arrival: milliseconds(200 * index),
      promptTokens: TokenCount(100), outputTokens: TokenCount(11))
  }

  static func milliseconds(_ value: Int) -> Nanoseconds { Nanoseconds(Int64(value) * 1_000_000) }

  /// Each step takes 10 ms, prompts 30 ms; the output comes 1 ms after the GPU's end.
  static let steps: [TraceStep] = (0..<22).map { index in
    let request = index / 11
    let isPrompt = index % 11 == 0
    let start = milliseconds(200 * request + (isPrompt ? 0 : 31 + (index % 11 - 1) * 11))
    let length = milliseconds(isPrompt ? 30 : 10)
    return TraceStep(
      number: Int64(index), scheduleStart: start, scheduleEnd: start,
      output: start + length + milliseconds(1), gpuTime: length,
      rows: [
        StepRow(
          request: Int32(request), computed: TokenCount(isPrompt ? 0 : Int32(99 + index % 11)),
          queryLength: TokenCount(isPrompt ? 100 : 1))
      ])
  }

  /// A model that is 1 ms off on decode steps, in attention, and 2 ms on prompts.
  static var compared: [ComparedStep] {
    steps.map { step in
      let isPrompt = step.rows[0].queryLength.value > 1
      let time = StepTime(
        attention: milliseconds(isPrompt ? 7 : 3), rest: milliseconds(isPrompt ? 25 : 8),
        regret: .zero, variant: .triton2D,
        launch: isPrompt ? .piecewise(paddedTokens: 100) : .fullGraph(paddedTokens: 1))
      return ComparedStep(
        kind: isPrompt ? .prefill : .decode, model: time, recorded: step.gpuTime,
        output: step.output)
    }
  }

  static func real(isRestRecorded: Bool, hasGPUTimes: Bool = true) throws -> RealRun {
    var sequence = StepList(steps)
    let compared = compared.map { step in
      var step = step
      if !hasGPUTimes { step.recorded = nil }
      return step
    }
    return try RealRun(
      requests: requests, isCompared: [true, true], steps: compared,
      isRestRecorded: isRestRecorded, sequence: &sequence,
      replay: RecordedReplay(requests: requests, asynchronous: false, host: HostTiming()))
  }

  /// Callers that have each token `delay` after the engine.
  static func callers(delay: Int) -> CallerTimes {
    CallerTimes(
      requests.map { request in
        let gaps = Array(repeating: milliseconds(11), count: 10)
        let ttft = milliseconds(31 + delay)
        return CallerSample(
          sent: request.arrival, ttft: ttft, gaps: gaps, e2el: gaps.reduce(ttft, +),
          tpot: milliseconds(11), tokens: 11)
      })
  }

  /// A replay of the same batches with steps of 12 ms and prompts of 32 ms.
  static var predicted: CallerTimes { predicted(prompt: 32) }

  static func predicted(prompt: Int) -> CallerTimes { CallerTimes(outcome(prompt: prompt)) }

  static func outcome(prompt: Int) -> ReplayOutcome {
    var outcome = ReplayOutcome()
    outcome.outputs = steps.indices.map { index in
      milliseconds(200 * (index / 11) + prompt + (index % 11) * 12)
    }
    outcome.requests = requests.enumerated().map { index, request in
      RequestOutcome(
        end: .finished, arrival: request.arrival, promptTokens: request.promptTokens,
        tokenRuns: [TokenRun(firstStep: Int32(11 * index), count: 11)])
    }
    return outcome
  }

  static func report(bounds: [ErrorBound] = []) throws -> ValidationReport {
    let floor = try #require(
      NoiseFloor(
        json: try JSONValue(
          parsing: """
            {"gpu": "NVIDIA H200", "origin": "a test", "repeated_runs": {"itl-mean": 0.001,
            "ttft-p50": 0.05}, "predicted_differences_p90": {"itl-mean": 0.01}, "machine_to_machine": 0.03, "sending_difference_p90_ms": 1.142}
            """)))
    var recorded = BatchSequence()
    for step in steps { recorded.add(step) }
    var formed = BatchSequence()
    for step in steps.dropLast(2) { formed.add(step) }
    let spread = PredictionSpread(
      base: predicted, jittered: [predicted(prompt: 33), predicted(prompt: 31)])
    return ValidationReport(
      trace: TraceDescription(name: "run.reprise", requests: requests),
      client: (name: "run.client.jsonl", format: "client.jsonl"), policy: "vllm-0.13",
      recordedPolicy: "always-2d", batches: .rescheduled,
      timing: TimingDescription(source: .profile, attention: "attention", rest: "rest"),
      engine: "a test's", machine: "NVIDIA H200", notes: ["a note"], real: callers(delay: 1),
      failed: 0,
      replays: [
        (batches: .rescheduled, times: predicted),
        (batches: .recorded, times: callers(delay: 0)),
      ], spread: spread, floor: floor,
      divergence: SchedulerDivergence(recorded: recorded, rescheduled: formed),
      realRun: (name: "real.reprise", run: try real(isRestRecorded: true)),
      differences: [Statistic(.itl, .mean), Statistic(.ttft, .mean)].compactMap {
        PredictedDifference(
          $0, policy: spread, baseline: PredictionSpread(base: callers(delay: 0), jittered: []),
          floor: floor, real: 0.25)
      }, bounds: bounds)
  }
}

@Suite("The report of a validation")
struct ValidationReportTests {
  private let bounds = [
    ErrorBound(.statistic(Statistic(.itl, .mean)), share: 0.05),
    ErrorBound(.statistic(Statistic(.ttft, .mean)), share: 0.05),
    ErrorBound(.throughput, share: 0.5),
  ]

  @Test("its table is as it was")
  func text() throws {
    let text = try SmallRun.report(bounds: bounds).text()
    #expect(try Golden.difference(text, from: "validation.txt") == nil)
    #expect(text.split(separator: "\n").allSatisfy { $0.count <= 100 })
  }

  @Test("its JSON is as it was")
  func json() throws {
    let json = try SmallRun.report(bounds: bounds).json().text(pretty: true) + "\n"
    #expect(try Golden.difference(json, from: "validation.json") == nil)
  }

  @Test("errors are of the real value, and those past their bound are named")
  func errors() throws {
    let report = try SmallRun.report(bounds: bounds)
    // 12 ms for 11 ms; 32 ms for 32 ms.
    let error = try #require(report.error(.statistic(Statistic(.itl, .mean))))
    #expect((error - 1.0 / 11).magnitude < 1e-9)
    #expect(report.error(.statistic(Statistic(.ttft, .mean))) == 0)
    #expect(report.broken.count == 1)
    #expect(report.broken[0].hasPrefix("itl-mean is +9.09 % off, allowed are 5.00 %"))
  }

  @Test(
    "terms add up to the error, and each is what its substitution changes",
    arguments: [true, false])
  func sources(isRestRecorded: Bool) throws {
    let run = try SmallRun.real(isRestRecorded: isRestRecorded)
    let real = SmallRun.callers(delay: 1)
    for statistic in Statistic.all {
      let sources = try #require(
        run.sources(
          of: statistic, predicted: SmallRun.predicted.value(statistic), real: real))
      let sum = sources.terms.reduce(0) { $0 + ($1.milliseconds ?? .infinity) }
      #expect((sum - sources.total).magnitude < 1e-9, "\(statistic.name)")
    }
    let itl = try #require(
      run.sources(
        of: Statistic(.itl, .mean),
        predicted: SmallRun.predicted.value(Statistic(.itl, .mean)), real: real))
    // The model's steps take 11 ms, 1 ms too long; the real engine lost 1 ms outside the GPU.
    #expect((itl.total - 1).magnitude < 1e-6)
    #expect((itl.scheduling - 1).magnitude < 1e-6)
    let (attention, rest) = (try #require(itl.attention), try #require(itl.rest))
    #expect(((isRestRecorded ? attention : rest) - 1).magnitude < 1e-6)
    #expect((isRestRecorded ? rest : attention).magnitude < 1e-6)
    #expect(try #require(itl.variation).magnitude < 1e-6)
    #expect((itl.host + 1).magnitude < 1e-6)
    #expect(itl.client.magnitude < 1e-6)
    let ttft = try #require(
      run.sources(
        of: Statistic(.ttft, .mean),
        predicted: SmallRun.predicted.value(Statistic(.ttft, .mean)), real: real))
    #expect((ttft.client + 1).magnitude < 1e-6)
  }

  @Test("without GPU times nobody says which part of a step is wrong, and the terms still add up")
  func unknownSources() throws {
    let run = try SmallRun.real(isRestRecorded: true, hasGPUTimes: false)
    #expect(!run.hasGPUTimes)
    let statistic = Statistic(.itl, .mean)
    let sources = try #require(
      run.sources(
        of: statistic, predicted: SmallRun.predicted.value(statistic),
        real: SmallRun.callers(delay: 1)))
    #expect([sources.attention, sources.rest, sources.variation] == [nil, nil, nil])
    let sum = sources.terms.reduce(0) { $0 + ($1.milliseconds ?? 0) }
    #expect((sum - sources.total).magnitude < 1e-9)
  }

  @Test("gaps between messages that brought several tokens are no ITL, a single token needs none")
  func mergedGaps() {
    func caller(_ gaps: Int?, tokens: Int) -> CallerSample {
      CallerSample(
        sent: nil, ttft: SmallRun.milliseconds(30),
        gaps: gaps.map { Array(repeating: SmallRun.milliseconds(40), count: $0) },
        e2el: SmallRun.milliseconds(400), tpot: nil, tokens: tokens)
    }
    let whole = [caller(99, tokens: 100), caller(nil, tokens: 1), caller(95, tokens: 100)]
    #expect(CallerTimes.gapFault(whole) == nil)
    #expect(CallerTimes(whole).value(Statistic(.itl, .mean)) == 40)
    let merged = [caller(25, tokens: 100)]
    #expect(CallerTimes.gapFault(merged)?.contains("25 gaps for 99 tokens") == true)
    #expect(CallerTimes(merged).value(Statistic(.itl, .mean)) == nil)
    #expect(CallerTimes.gapFault([caller(nil, tokens: 2)]) != nil)
    // Where a log has no sendings, its own duration tells the throughput.
    #expect(CallerTimes(whole, duration: SmallRun.milliseconds(500)).throughput == 402)
    #expect(CallerTimes(whole).throughput == nil)
  }

  @Test("throughput is of the tokens of requests that ended, while those took place")
  func throughputOfEnded() {
    var outcome = SmallRun.outcome(prompt: 32)
    // 11 tokens each, the last of them 352 ms after the first arrival.
    #expect(CallerTimes(outcome).throughput == 22 / 0.352)
    outcome.requests[0].end = .cutByWindow
    #expect(CallerTimes(outcome).throughput == 11 / 0.152)
  }

  @Test("the error that grows with attention is attention's, about each launch's mean")
  func slope() {
    let steps = (0..<50).map { index in
      // Attention is a tenth too slow in the model, the rest 0.5 ms too slow.
      let attention = SmallRun.milliseconds(10 + index)
      let rest = Nanoseconds(5_500_000)
      let recorded = Nanoseconds(attention.rawValue / 10 * 9 + 5_000_000)
      return ComparedStep(
        kind: .decode,
        model: StepTime(
          attention: attention, rest: rest, regret: .zero, variant: .triton2D,
          launch: .fullGraph(paddedTokens: 8)),
        recorded: recorded, output: nil)
    }
    let split = StepErrorSplit(steps, isRestRecorded: false)
    #expect((split.slope - 0.1).magnitude < 1e-6)
    let left = steps.map { split.withoutModelError($0).gpu - ($0.recorded ?? .zero) }
    #expect(left.allSatisfy { $0.rawValue.magnitude < 10 })
  }

  @Test("step errors count by kind, and steps without a GPU time not at all")
  func stepErrors() throws {
    var steps = SmallRun.compared
    let decode = try #require(StepErrors(steps.filter { $0.kind == .decode }))
    #expect(decode.steps == 20)
    #expect((decode.meanAbsolute - 0.1).magnitude < 1e-9)
    #expect((decode.bias - 0.1).magnitude < 1e-9)
    // Recorded times have the GPU's wait for the launch within them.
    for index in steps.indices { steps[index].launch = steps[index].recorded ?? .zero }
    let waiting = try #require(StepErrors(steps))
    for index in steps.indices { steps[index].launch = SmallRun.milliseconds(1_000) }
    let longer = try #require(StepErrors(steps))
    #expect(waiting.bias >= 0 && longer.bias > waiting.bias)
    for index in steps.indices { steps[index].recorded = nil }
    #expect(StepErrors(steps) == nil)
  }

  @Test("batches part at the first that differs, whatever the order of their rows")
  func divergence() {
    func sequence(_ rows: [[(Int32, Int32)]]) -> BatchSequence {
      var sequence = BatchSequence()
      for (number, batch) in rows.enumerated() {
        sequence.add(
          TraceStep(
            number: Int64(number), scheduleStart: SmallRun.milliseconds(number),
            rows: batch.map {
              StepRow(request: $0.0, computed: TokenCount($0.1), queryLength: TokenCount(1))
            }))
      }
      return sequence
    }
    let one = sequence([[(0, 5), (1, 9)], [(0, 6), (1, 10)], [(0, 7)]])
    let same = sequence([[(1, 9), (0, 5)], [], [(0, 6), (1, 10)], [(0, 7)]])
    #expect(SchedulerDivergence(recorded: one, rescheduled: same).firstStep == nil)
    let other = sequence([[(0, 5), (1, 9)], [(0, 6)], [(0, 7)]])
    let divergence = SchedulerDivergence(recorded: one, rescheduled: other)
    #expect(divergence.firstStep == 1)
    #expect(divergence.at == SmallRun.milliseconds(1))
    #expect((divergence.sharedBatches - 2.0 / 3).magnitude < 1e-9)
    let longer = SchedulerDivergence(recorded: sequence([[(0, 5)]]), rescheduled: one)
    #expect(longer.firstStep == 0)
  }

  @Test("a difference that two runs of the same work may show is inside the noise")
  func insideFloor() throws {
    let report = try SmallRun.report()
    let itl = try #require(report.differences.first { $0.statistic == Statistic(.itl, .mean) })
    #expect(!itl.isInsideFloor)
    let same = try #require(
      PredictedDifference(
        Statistic(.itl, .mean), policy: PredictionSpread(base: SmallRun.predicted, jittered: []),
        baseline: PredictionSpread(base: SmallRun.predicted, jittered: []),
        floor: report.floor, real: nil))
    #expect(same.isInsideFloor)
    // Both runs may be off by a thousandth of 12 ms.
    #expect((try #require(same.halfWidth) - 12 * 0.001 * 2.0.squareRoot()).magnitude < 1e-9)
    // Beyond that a difference by one in a hundred of itself.
    let noise = try #require(itl.noise)
    let width = (noise * noise + 0.0001 * itl.predicted * itl.predicted).squareRoot()
    #expect((try #require(itl.halfWidth) - width).magnitude < 1e-9)
  }

  @Test("a prediction is the middle of all replays, whichever of them is an outlier")
  func middle() throws {
    let statistic = Statistic(.ttft, .mean)
    func value(_ prompt: Int) throws -> Double {
      try #require(SmallRun.predicted(prompt: prompt).value(statistic))
    }
    func middle(_ base: Int, _ others: [Int]) -> Double? {
      PredictionSpread(
        base: SmallRun.predicted(prompt: base),
        jittered: others.map { SmallRun.predicted(prompt: $0) }
      ).middle(statistic)
    }
    #expect(middle(30, []) == (try value(30)))
    #expect(middle(90, [31, 30]) == (try value(31)))
    #expect(middle(30, [34]) == (try (value(30) + value(34)) / 2))
    let report = try SmallRun.report()
    #expect(report.predicted(statistic) == report.spread.middle(statistic))
    // The quantile plot shows the same prediction.
    let places = [0, 0.5, 0.99, 1]
    let quantiles = report.spread.quantiles(.itl, at: places)
    #expect(quantiles[1] == report.spread.middle(Statistic(.itl, .p50)))
    #expect(quantiles[2] == report.spread.middle(Statistic(.itl, .p99)))
  }
}
