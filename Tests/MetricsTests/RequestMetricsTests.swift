import Metrics
import Testing
import TraceModel

@Suite("The metrics of a request")
struct RequestMetricsTests {
  @Test("follow vllm bench serve")
  func definitions() throws {
    let times = [250, 260, 275, 301].map { Nanoseconds($0) }
    let metrics = try #require(RequestMetrics(arrival: Nanoseconds(100), tokenTimes: times))
    #expect(metrics.ttft == Nanoseconds(150))
    #expect(metrics.e2el == Nanoseconds(201))
    #expect(metrics.tpot == Nanoseconds(17))
    #expect(metrics.meanITL == Nanoseconds(17))
  }

  @Test("tell TPOT from the mean gap where a message brought several tokens")
  func mergedTokens() {
    let metrics = RequestMetrics(
      arrival: .zero, firstToken: Nanoseconds(100), lastToken: Nanoseconds(400), tokens: 7, gaps: 4)
    #expect(metrics.tpot == Nanoseconds(50))
    #expect(metrics.meanITL == Nanoseconds(75))
  }

  @Test("have no time between tokens with a single one, and none at all without")
  func fewTokens() throws {
    let single = try #require(
      RequestMetrics(arrival: Nanoseconds(5), tokenTimes: [Nanoseconds(9)]))
    #expect(single.ttft == Nanoseconds(4))
    #expect(single.e2el == Nanoseconds(4))
    #expect(single.tpot == nil)
    #expect(single.meanITL == nil)
    #expect(RequestMetrics(arrival: .zero, tokenTimes: []) == nil)
  }
}
