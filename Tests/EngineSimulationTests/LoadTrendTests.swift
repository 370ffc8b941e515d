import Testing
import TraceModel

@testable import EngineSimulation

@Suite("Load trend")
struct LoadTrendTests {
  /// Every `interval` ms a request of 8 prompt tokens and 4 outputs; 40 of them.
  private func load(interval: Int64) throws -> LoadTrend {
    let list = requests((0..<40).map { (Int64($0) * interval, Int32(8), Int32(4)) })
    return try #require(
      try replay(list, on: smallEngine(budget: 8, sequences: 2, asynchronous: false)).outcome.load)
  }

  @Test("An engine that keeps up has no queue")
  func keepsUp() throws {
    let trend = try load(interval: 200)
    #expect(!trend.isOverloaded)
    #expect(trend.waitingAtLastArrival == 0)
    #expect(trend.waitingGrowth == 0)
    #expect(abs(trend.arrivalRate - 5.128) < 0.01, "20 requests in 3.9 s")
    #expect(trend.span == milliseconds(39 * 200))
  }

  @Test("Where more arrives than is served, the queue grows by the difference")
  func overloaded() throws {
    let trend = try load(interval: 10)
    #expect(trend.isOverloaded)
    #expect(trend.waitingAtLastArrival > 20)
    #expect(trend.waitingGrowth > 50 && trend.waitingGrowth < trend.arrivalRate)
    #expect(trend.drain > trend.span)
  }

  @Test("A slope through given points is the least-squares one")
  func slope() {
    var builder = LoadTrendBuilder(arrivals: [.zero, milliseconds(2000)])
    builder.add(waiting: 99, at: milliseconds(500))
    for (time, waiting) in [(1000, 1), (1500, 4), (2000, 4), (2500, 99)] {
      builder.add(waiting: waiting, at: milliseconds(Int64(time)))
    }
    let trend = builder.trend(end: milliseconds(3000))
    #expect(trend.waitingGrowth == 3)
    #expect(trend.waitingAtLastArrival == 4)
    #expect(trend.drain == milliseconds(1000))
    #expect(trend.arrivalRate == 1)
  }

  @Test("A handful of requests waiting at the end of a short trace is no overload")
  func shortTrace() {
    let trend = LoadTrend(
      span: milliseconds(100), drain: .zero, arrivalRate: 10, waitingGrowth: 9,
      waitingAtLastArrival: LoadTrend.overloadWaiting - 1)
    #expect(!trend.isOverloaded)
  }
}
