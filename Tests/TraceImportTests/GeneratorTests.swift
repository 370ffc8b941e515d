import Testing
import TraceImport
import TraceModel

struct GeneratorTests {
  private func workload(
    rate: Double = 5, burstiness: Double = 1, size: RandomWorkload.Size = .requests(10),
    ratio: Double = 0, style: RandomWorkload.Style
  ) -> RandomWorkload {
    RandomWorkload(
      promptTokens: 1000, outputTokens: 100, rate: rate, burstiness: burstiness, size: size,
      seed: 5, rangeRatio: ratio, style: style)
  }

  @Test("In 2025-06 style the first request comes at once and lengths do not spread")
  func slept() throws {
    let requests = try workload(style: .vllm2025June).requests()
    #expect(requests.first?.arrival == .zero)
    #expect(requests.allSatisfy { $0.promptTokens.value == 1000 && $0.outputTokens.value == 100 })
    #expect(requests.map(\.id.rawValue) == Array(0..<10))
    #expect(requests.map(\.arrival) == requests.map(\.arrival).sorted())
  }

  @Test("In rescaled style the last request comes exactly at count / rate")
  func rescaled() throws {
    let requests = try workload(style: .vllmRescaled).requests()
    #expect(requests.last?.arrival == Nanoseconds(2_000_000_000))
    #expect(requests.first.map { $0.arrival > .zero } == true)
  }

  @Test("An infinite rate sends all at time zero", arguments: RandomWorkload.Style.allCases)
  func allAtOnce(style: RandomWorkload.Style) throws {
    let workload = workload(rate: .infinity, style: style)
    #expect(try workload.requests().allSatisfy { $0.arrival == .zero })
    #expect(workload.header.workload == "random-all-at-once")
    #expect(workload.header["generator"]?["rate"] == .string("inf"))
  }

  @Test("An infinite burstiness spaces requests evenly")
  func evenlySpaced() throws {
    let requests = try workload(rate: 4, burstiness: .infinity, style: .vllm2025June).requests()
    #expect(requests.map(\.arrival.rawValue) == (0..<10).map { $0 * 250_000_000 })
  }

  @Test(
    "A duration asks for as many requests as the rate gives, at least one",
    arguments: [(5.0, 120.0, 600), (0.1, 30.0, 3), (0.7, 10.0, 7), (1.5, 1.0, 1), (0.01, 1.0, 1)])
  func duration(rate: Double, seconds: Double, count: Int) throws {
    let size = RandomWorkload.Size.duration(try #require(Nanoseconds(seconds: seconds)))
    #expect(try workload(rate: rate, size: size, style: .vllmRescaled).requests().count == count)
  }

  @Test("A range ratio keeps lengths within its bounds", arguments: RandomWorkload.Style.allCases)
  func rangeRatio(style: RandomWorkload.Style) throws {
    let requests = try workload(size: .requests(2000), ratio: 0.5, style: style).requests()
    let prompts = requests.map(\.promptTokens.value)
    let outputs = requests.map(\.outputTokens.value)
    #expect((500...510).contains(try #require(prompts.min())))
    #expect((1490...1500).contains(try #require(prompts.max())))
    #expect(outputs.min() == 50 && outputs.max() == 150)
  }

  @Test("What cannot be drawn is refused by the parameter's name")
  func invalid() throws {
    func message(_ change: (inout RandomWorkload) -> Void) throws -> String {
      var workload = workload(style: .vllmRescaled)
      change(&workload)
      return try #require(throws: TraceImportError.self) { try workload.requests() }.message
    }
    #expect(try message { $0.rate = 0 }.contains("rate"))
    #expect(try message { $0.rate = .nan }.contains("rate"))
    #expect(try message { $0.rate = 1e-300 }.contains("rate: is too small"))
    #expect(try message { $0.burstiness = -1 }.contains("burstiness"))
    #expect(try message { $0.burstiness = .nan }.contains("burstiness"))
    #expect(try message { $0.rangeRatio = 1 }.contains("range-ratio: "))
    #expect(try message { $0.promptTokens = 0 }.contains("prompt"))
    #expect(try message { $0.outputTokens = .max }.contains("output-tokens: "))
    #expect(try message { $0.specialTokens = 1001 }.contains("special-tokens: "))
    #expect(try message { $0.vocabularySize = 0 }.contains("vocabulary"))
    #expect(try message { $0.size = .requests(0) }.contains("requests: "))
    #expect(try message { $0.size = .duration(.zero) }.contains("duration"))
    #expect(
      try message {
        $0.rate = .infinity
        $0.size = .duration(Nanoseconds(1))
      }.contains("rate: must be finite"))
  }

  @Test("The latency benchmark's batch stands at time zero")
  func latency() throws {
    let workload = try LatencyWorkload(promptTokens: 500, outputTokens: 12_800, batchSize: 2)
      .workload()
    #expect(workload.rows == [[0, 0, 500, 12_800], [1, 0, 500, 12_800]])
    #expect(workload.header.workload == "latency-500-12800-batch2")
    #expect(workload.header.engine == nil)
    #expect(throws: TraceImportError.self) { try LatencyWorkload(batchSize: 0).requests() }
    #expect(throws: TraceImportError.self) { try LatencyWorkload(promptTokens: 0).requests() }
  }
}
