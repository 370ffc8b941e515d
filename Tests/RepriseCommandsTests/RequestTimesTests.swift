import EngineSimulation
import TraceModel
import Testing

@testable import Reports

@Suite("What a caller of one request saw")
struct RequestTimesTests {
  private let outputs = [10, 25, 45, 70, 100].map { Nanoseconds($0) }

  private func request(
    _ runs: [TokenRun], end: RequestEnd = .finished, unknown: Int32 = 0
  ) -> RequestOutcome {
    RequestOutcome(
      end: end, arrival: Nanoseconds(4), promptTokens: TokenCount(8), tokenRuns: runs,
      unknownTokens: unknown)
  }

  @Test("tokens in consecutive steps have the steps' gaps")
  func oneRun() {
    let times = RequestTimes(request([TokenRun(firstStep: 0, count: 4)]), outputs: outputs)
    #expect(times.ttft == Nanoseconds(6))
    #expect(times.e2el == Nanoseconds(66))
    #expect(times.tpot == Nanoseconds(20))
    #expect(times.gapTotal == Nanoseconds(60))
    #expect(times.gapCount == 3)
    #expect(times.tokens == 4)
  }

  @Test("TPOT and the mean gap are rounded to the nearest nanosecond")
  func rounded() {
    let times = RequestTimes(
      RequestOutcome(
        end: .finished, arrival: Nanoseconds(100), promptTokens: TokenCount(8),
        tokenRuns: [TokenRun(firstStep: 0, count: 3)]),
      outputs: [250, 260, 301].map { Nanoseconds($0) })
    #expect(times.ttft == Nanoseconds(150))
    #expect(times.e2el == Nanoseconds(201))
    #expect(times.tpot == Nanoseconds(26), "51 over 2")
    #expect(times.meanITL == Nanoseconds(26))
  }

  @Test("tokens that the recorder lost tell TPOT from the mean gap")
  func unknownTokens() {
    let times = RequestTimes(
      request([TokenRun(firstStep: 0, count: 4)], unknown: 3), outputs: outputs)
    #expect(times.tpot == Nanoseconds(10))
    #expect(times.meanITL == Nanoseconds(20))
  }

  @Test("no token has no times at all")
  func none() {
    let times = RequestTimes(request([]), outputs: outputs)
    #expect(times.ttft == nil && times.e2el == nil && times.tpot == nil && times.meanITL == nil)
  }

  @Test("a preemption makes one long gap")
  func preempted() {
    let times = RequestTimes(
      request([TokenRun(firstStep: 0, count: 1), TokenRun(firstStep: 3, count: 2)]),
      outputs: outputs)
    #expect(times.gapTotal == Nanoseconds(90))
    #expect(times.gapCount == 2)
    #expect(times.tpot == Nanoseconds(45))
  }

  @Test("time across steps that the recorder lost counts neither as gap nor as TTFT")
  func lost() {
    let inside = RequestTimes(
      request(
        [TokenRun(firstStep: 0, count: 2), TokenRun(firstStep: 3, count: 2, followsGap: true)],
        unknown: 3),
      outputs: outputs)
    #expect(inside.gapTotal == Nanoseconds(45))
    #expect(inside.gapCount == 2)
    #expect(inside.tokens == 7)
    let first = RequestTimes(
      request([TokenRun(firstStep: 1, count: 2, followsGap: true)]), outputs: outputs)
    #expect(first.ttft == nil)
    #expect(first.tpot == nil)
    #expect(first.e2el == Nanoseconds(41))
  }

  @Test("a request cut by the window has gaps but no end")
  func cut() {
    let times = RequestTimes(
      request([TokenRun(firstStep: 2, count: 3)], end: .cutByWindow), outputs: outputs)
    #expect(times.ttft == Nanoseconds(41))
    #expect(times.e2el == nil)
    #expect(times.tpot == nil)
    #expect(times.meanITL == Nanoseconds(28))
  }

  @Test("one token has no gap and no TPOT")
  func single() {
    let times = RequestTimes(request([TokenRun(firstStep: 0, count: 1)]), outputs: outputs)
    #expect(times.ttft == times.e2el)
    #expect(times.tpot == nil)
    #expect(times.meanITL == nil)
  }
}
