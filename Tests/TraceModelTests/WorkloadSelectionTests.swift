import Testing
import TraceModel

struct WorkloadSelectionTests {
  private func requests(at arrivals: [Int64]) -> [TraceRequest] {
    arrivals.enumerated().map { index, arrival in
      TraceRequest(
        id: RequestID(Int64(index)), arrival: Nanoseconds(arrival), promptTokens: TokenCount(7),
        outputTokens: TokenCount(3), prefixBlocks: [UInt64(index)])
    }
  }

  @Test("The default takes every request untouched")
  func everything() {
    let all = requests(at: [-5, 0, 3, .max])
    #expect(WorkloadSelection().isEverything)
    #expect(WorkloadSelection().apply(to: all) == all)
  }

  @Test("A window holds its start, not its end, and its start becomes time zero")
  func window() {
    let selected = WorkloadSelection(from: Nanoseconds(10), to: Nanoseconds(30))
      .apply(to: requests(at: [9, 10, 20, 29, 30]))
    #expect(selected.map(\.arrival.rawValue) == [0, 10, 19])
    #expect(selected.map(\.id.rawValue) == [1, 2, 3])
    #expect(selected.map(\.prefixBlocks) == [[1], [2], [3]])
  }

  @Test("A window without a start keeps the clock")
  func openWindow() {
    let selected = WorkloadSelection(to: Nanoseconds(20)).apply(to: requests(at: [5, 19, 20]))
    #expect(selected.map(\.arrival.rawValue) == [5, 19])
  }

  @Test("A scale of two halves the gaps, counted from the window's start")
  func timeScale() {
    let selected = WorkloadSelection(from: Nanoseconds(100), timeScale: 2)
      .apply(to: requests(at: [100, 101, 110, 1_000_000_000_100]))
    #expect(selected.map(\.arrival.rawValue) == [0, 1, 5, 500_000_000_000])
    let slower = WorkloadSelection(timeScale: 0.5).apply(to: requests(at: [3, .max]))
    #expect(slower.map(\.arrival.rawValue) == [6, .max])
  }

  @Test("The limit counts from the start of the window", arguments: 0...4)
  func limit(count: Int) {
    let selected = WorkloadSelection(from: Nanoseconds(1), maxRequests: count)
      .apply(to: requests(at: [0, 1, 2, 3]))
    #expect(selected.map(\.id.rawValue) == Array([1, 2, 3].prefix(count)))
  }
}
