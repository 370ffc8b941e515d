import EngineSimulation
import KernelSelection
import Metrics
import StepTiming
import TestSupport
import Testing
import TraceModel

@testable import Reports

@Suite("The report of a replay")
struct ReplayReportTests {
  /// Requests that arrive every 50 ms, each with a token in every step until it has `tokens`.
  private static let requests: [TraceRequest] = (0..<40).map { index in
    TraceRequest(
      id: RequestID(Int64(index)), arrival: Nanoseconds(Int64(index) * 50_000_000),
      promptTokens: TokenCount(1000), outputTokens: TokenCount(20))
  }

  /// A replay in which step `i` ends at `(i + 1) · step` after the first arrival.
  private static func outcome(
    step: Int64, end: RequestEnd = .finished, waitingGrowth: Double = 0
  ) -> ReplayOutcome {
    var outcome = ReplayOutcome(
      outputs: (1...400).map { Nanoseconds(Int64($0) * step) }, attention: Nanoseconds(step * 200),
      rest: Nanoseconds(2_000_000_000), regret: Nanoseconds(max(0, step - 10_000_000) * 200))
    outcome.requests = requests.enumerated().map { index, request in
      RequestOutcome(
        end: index == 39 ? end : .finished, arrival: request.arrival,
        promptTokens: request.promptTokens,
        tokenRuns: index == 39 && end == .tooLong
          ? [] : [TokenRun(firstStep: Int32(request.arrival.rawValue / step), count: 20)])
    }
    outcome.counts.steps = 400
    outcome.counts.peakRunning = 5
    outcome.load = LoadTrend(
      span: Nanoseconds(1_950_000_000), drain: .zero, arrivalRate: 20,
      waitingGrowth: waitingGrowth, waitingAtLastArrival: waitingGrowth > 0 ? 31 : 0)
    return outcome
  }

  private static func use(_ counts: [(KernelVariant, Int)]) -> VariantUse {
    var use = VariantUse()
    for (variant, steps) in counts { for _ in 0..<steps { use.add(variant) } }
    return use
  }

  private static func report(
    _ outcomes: [PolicyOutcome], batches: BatchSource = .recorded, notes: [String] = [],
    floor: NoiseFloor? = nil
  ) -> ReplayReport {
    ReplayReport(
      trace: TraceDescription(name: "sample.reprise", requests: requests), batches: batches,
      timing: TimingDescription(
        source: .profile, attention: "attention from the built-in profile of NVIDIA H200",
        rest: "rest of step from the profile of mistral-small-24b",
        errors: [
          .init(
            part: "triton-2d",
            error: FitError(median: 0.012, p90: 0.034, max: 0.08, rows: 120))
        ]),
      engine: "mistral-small-24b@nvidia-h200", machine: "NVIDIA H200", notes: notes,
      outcomes: outcomes, seed: 1,
      floor: floor)
  }

  private static let pair = [
    PolicyOutcome(
      name: "always-2d", outcome: outcome(step: 12_000_000), variants: use([(.triton2D, 400)])),
    PolicyOutcome(
      name: "vllm-0.33", outcome: outcome(step: 10_000_000),
      variants: use([(.triton2D, 100), (.triton3D16, 300)])),
  ]

  @Test("compares two policies in a text that people read")
  func text() throws {
    let text = Self.report(Self.pair).text()
    #expect(try Golden.difference(text, from: "report.txt") == nil)
    for line in text.split(separator: "\n") { #expect(line.count <= 100, "\(line)") }
  }

  @Test("has the same content as JSON under the documented keys")
  func json() throws {
    let json = Self.report(Self.pair).json()
    #expect(try Golden.difference(json.text(pretty: true) + "\n", from: "report.json") == nil)
    let policy = try #require(json["policies"]?["always-2d"])
    for metric in ["ttft_ms", "itl_ms", "tpot_ms", "e2el_ms", "request_mean_itl_ms"] {
      for key in ["mean", "std", "p50", "p90", "p95", "p99", "max"] {
        #expect(policy[metric]?[key]?.double != nil, "\(metric) \(key)")
      }
    }
    for key in [
      "duration_s", "requests", "output_tokens", "steps", "attention_ms", "rest_ms", "regret_ms",
    ] {
      #expect(policy[key]?.double != nil, "\(key)")
    }
  }

  @Test("says on its first line that the engine was overloaded")
  func overload() {
    let outcome = PolicyOutcome(
      name: "always-2d", outcome: Self.outcome(step: 12_000_000, waitingGrowth: 6),
      variants: Self.use([(.triton2D, 400)]))
    #expect(Self.report([outcome], batches: .rescheduled).text().hasPrefix("OVERLOAD"))
    #expect(!Self.report(Self.pair).text().contains("OVERLOAD"))
  }

  @Test("notes decode steps that the host launches in pieces, where they are many")
  func piecewise() {
    func notes(_ steps: Int) -> [String] {
      var outcome = Self.outcome(step: 12_000_000)
      outcome.counts.decodeSteps = 300
      outcome.piecewiseDecodeSteps = steps
      return Self.report([PolicyOutcome(name: "always-2d", outcome: outcome, variants: .init())])
        .notes
    }
    #expect(notes(270).contains { $0.hasPrefix("90 % of decode steps are not one CUDA graph") })
    #expect(notes(3).isEmpty)
  }

  /// A floor of mean ITL, beside which predictions of differences are off by a share of them.
  private static func floor(share: Double, model: Double = 0.01) throws -> NoiseFloor? {
    NoiseFloor(
      json: try JSONValue(
        parsing: """
          {"gpu": "NVIDIA H200", "origin": "a test", "repeated_runs": {"itl-mean": \(share)},
          "predicted_differences_p90": {"itl-mean": \(model)}, "machine_to_machine": 0.03,
          "sending_difference_p90_ms": 1}
          """))
  }

  @Test("calls a difference that two runs of the same work may show by its name")
  func noise() throws {
    func verdict(floor share: Double, model: Double = 0.01) throws -> PolicyComparison.Verdict? {
      let report = Self.report(Self.pair, floor: try Self.floor(share: share, model: model))
      #expect(report.text().contains("two runs of the same work"))
      return report.comparisons.first { $0.metric == .itl }?.verdict
    }
    // 10 ms against 12 ms: two runs that are each within 14 % are 2.2 ms apart at most.
    #expect(try verdict(floor: 0.14) == .insideFloor)
    #expect(try verdict(floor: 0.01) == .faster)
    // A prediction that is off by as much as it says tells nothing.
    #expect(try verdict(floor: 0.01, model: 1) == .insideFloor)
    #expect(Self.report(Self.pair).comparisons.allSatisfy { $0.floor == nil })
  }

  @Test("says first which rule wins and by how much, whichever was named first")
  func answer() {
    let text = Self.report(Self.pair).text()
    #expect(
      text.hasPrefix(
        "answer   vllm-0.33 is the fastest rule here: mean ITL 16.7 % less than always-2d (95 %"))
    #expect(Self.answer(Self.pair.reversed()) == Self.answer(Self.pair))
    let twins = [
      Self.pair[0],
      PolicyOutcome(
        name: "split-up-to:0", outcome: Self.pair[0].outcome, variants: Self.use([(.triton2D, 400)])
      ),
    ]
    #expect(Self.answer(twins) == "always-2d and split-up-to:0 take the same time.")
    #expect(!Self.report([Self.pair[0]]).text().contains("answer"))
  }

  /// The first paragraph of the report, as one line.
  private static func answer(_ outcomes: [PolicyOutcome], floor: NoiseFloor? = nil) -> String {
    let lines = report(outcomes, floor: floor).text().split(
      separator: "\n", omittingEmptySubsequences: false)
    return lines.prefix { !$0.isEmpty }.map { $0.dropFirst(9) }.joined(separator: " ")
  }

  @Test("rules that cannot be told from the fastest are named with it, whichever was named first")
  func ties() throws {
    func named(_ name: String, step: Int64) -> PolicyOutcome {
      PolicyOutcome(name: name, outcome: Self.outcome(step: step), variants: VariantUse())
    }
    let (slow, one) = (named("always-2d", step: 12_000_000), named("vllm-0.13", step: 10_000_000))
    let twin = named("vllm-0.33", step: 10_000_000)
    let both = "vllm-0.13 and vllm-0.33 are the fastest rules here, "
    let alike = both + "alike: mean ITL 16.7 % less than always-2d"
    #expect(Self.answer([slow, one, twin]).hasPrefix(alike))
    #expect(Self.answer([one, slow, twin]).hasPrefix(alike))
    let near = named("vllm-0.33", step: 10_020_000)
    #expect(Self.answer([slow, one, near]).hasPrefix("vllm-0.13 is the fastest rule here"))
    let floor = try Self.floor(share: 0.01)
    #expect(
      Self.answer([slow, one, near], floor: floor).hasPrefix(
        both + "too close to tell apart: mean ITL 16.7 %"))
    let open = "No rule here is faster than vllm-0.33 beyond what real runs differ by"
    #expect(Self.answer([one, near], floor: floor).hasPrefix(open))
    #expect(Self.answer([near, one], floor: floor).hasPrefix(open))
  }

  @Test("a handful of requests has no interval, and equal times of it are no win")
  func fewRequests() throws {
    func few(_ name: String, step: Int64, requests: Int) -> PolicyOutcome {
      var outcome = Self.outcome(step: step)
      outcome.requests.removeLast(40 - requests)
      return PolicyOutcome(name: name, outcome: outcome, variants: VariantUse())
    }
    let slow = few("always-2d", step: 12_000_000, requests: 9)
    #expect(
      Self.answer([slow, few("vllm-0.33", step: 10_000_000, requests: 9)]).hasPrefix(
        "vllm-0.33 is the fastest rule here: mean ITL 16.7 % less than always-2d (too few requests for an "
          + "interval)"))
    #expect(Self.report([slow, slow]).text().contains("Fewer than 10 requests have times"))
    for requests in [1, 9] {
      let pair = ["vllm-0.13", "vllm-0.33"].map { few($0, step: 10_000_000, requests: requests) }
      #expect(Self.answer(pair) == "vllm-0.13 and vllm-0.33 take the same time.")
    }
    let near = few("vllm-0.33", step: 11_980_000, requests: 9)
    #expect(
      Self.answer([slow, near], floor: try Self.floor(share: 0.01)).hasPrefix(
        "No rule here is faster than always-2d beyond"))
  }

  @Test("recorded batches have what rescheduled ones say beside them")
  func rescheduled() throws {
    let times = [12_000_000, 9_000_000].map { CallerTimes(Self.outcome(step: $0)) }
    var report = Self.report(Self.pair)
    report.rescheduled = times
    let text = report.text().replacing("\n         ", with: " ")
    #expect(
      text.contains(
        "With batches rescheduled, as a faster engine would meet them: mean ITL 25.0 % less."))
    #expect(text.contains("vs first  rescheduled  attention"))
    let json = try #require(report.json()["rescheduled_means_ms"]?["vllm-0.33"])
    #expect(json["itl"]?.double == 9)
    #expect(!Self.report(Self.pair).text().contains("escheduled  attention"))
  }

  @Test("counts every request in one bucket")
  func buckets() {
    let outcome = PolicyOutcome(
      name: "always-2d", outcome: Self.outcome(step: 12_000_000, end: .tooLong),
      variants: VariantUse())
    #expect(outcome.summary.requests == 40)
    #expect(outcome.summary.requests(.finished) == 39)
    #expect(outcome.summary.requests(.tooLong) == 1)
    #expect(outcome.summary.requests(.cutByWindow) == 0)
    #expect(outcome.summary.ttft?.count == 39)
  }

  @Test("a replay without a single token has no distributions and still a report")
  func nothing() {
    var outcome = Self.outcome(step: 12_000_000)
    for index in outcome.requests.indices {
      outcome.requests[index].tokenRuns = []
      outcome.requests[index].end = .cutByWindow
    }
    outcome.outputs = []
    let empty = PolicyOutcome(name: "always-2d", outcome: outcome, variants: VariantUse())
    let report = Self.report([empty, empty])
    #expect(report.json()["policies"]?["always-2d"]?["ttft_ms"] == .null)
    #expect(report.text().contains("no interval"))
  }

  @Test("the pooled ITL is that of every gap, whichever requests share it")
  func pooledGaps() throws {
    let policy = Self.pair[0]
    var gaps = WeightedSamples()
    for request in policy.outcome.requests {
      for run in request.tokenRuns {
        let steps = Int(run.firstStep)..<Int(run.firstStep + run.count) - 1
        for step in steps {
          gaps.add(policy.outcome.outputs[step + 1] - policy.outcome.outputs[step])
        }
      }
    }
    #expect(policy.summary.itl == gaps.summary())
    #expect(policy.summary.itl?.count == 40 * 19)
  }

  @Test("a long policy name is explained once and replaced in the tables")
  func longNames() {
    let name = "fastest:triton-2d,triton-3d-16,flash-attention-3"
    let long = PolicyOutcome(
      name: name, outcome: Self.outcome(step: 10_000_000), variants: VariantUse())
    let text = Self.report([Self.pair[0], long]).text()
    #expect(text.contains("policy 2 is \(name)"))
    #expect(text.components(separatedBy: name) == 2)
  }

  @Test("the detailed file is what vllm bench serve writes")
  func benchmarkResult() throws {
    var bytes: [UInt8] = []
    BenchmarkResult(Self.pair[1], requests: Self.requests, model: "mistral-small-24b")
      .write { piece in for index in piece.indices { bytes.append(piece[index]) } }
    let json = try JSONValue(parsing: bytes)
    #expect(json["completed"] == .integer(40))
    #expect(json["total_output_tokens"] == .integer(800))
    #expect(json["mean_itl_ms"]?.double == 10)
    for list in ["input_lens", "output_lens", "ttfts", "itls", "start_times", "errors"] {
      guard case .array(let values)? = json[list] else {
        Issue.record("\(list) is no list")
        continue
      }
      #expect(values.count == 40, "\(list)")
    }
    guard case .array(let gaps)? = json["itls"], case .array(let first)? = gaps.first else {
      Issue.record("itls is no list of lists")
      return
    }
    #expect(first == Array(repeating: .number(0.01), count: 19))
  }
}

extension String {
  /// How many parts the text has between occurrences of another.
  fileprivate func components(separatedBy other: String) -> Int {
    var count = 1
    var rest = self[...]
    while let range = rest.firstRange(of: other) {
      count += 1
      rest = rest[range.upperBound...]
    }
    return count
  }
}
