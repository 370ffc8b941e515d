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
  func everything() throws {
    let all = requests(at: [-5, 0, 3, .max])
    #expect(WorkloadSelection().isEverything)
    #expect(try WorkloadSelection().apply(to: all) == all)
  }

  @Test("A window holds its start, not its end, and its start becomes time zero")
  func window() throws {
    let selected = try WorkloadSelection(from: Nanoseconds(10), to: Nanoseconds(30))
      .apply(to: requests(at: [9, 10, 20, 29, 30]))
    #expect(selected.map(\.arrival.rawValue) == [0, 10, 19])
    #expect(selected.map(\.id.rawValue) == [1, 2, 3])
    #expect(selected.map(\.prefixBlocks) == [[1], [2], [3]])
  }

  @Test("A window without a start keeps the clock")
  func openWindow() throws {
    let selected = try WorkloadSelection(to: Nanoseconds(20)).apply(to: requests(at: [5, 19, 20]))
    #expect(selected.map(\.arrival.rawValue) == [5, 19])
  }

  @Test("A scale of two halves the gaps, counted from the window's start")
  func timeScale() throws {
    let selected = try WorkloadSelection(from: Nanoseconds(100), timeScale: 2)
      .apply(to: requests(at: [100, 101, 110, 1_000_000_000_100]))
    #expect(selected.map(\.arrival.rawValue) == [0, 1, 5, 500_000_000_000])
    let slower = try WorkloadSelection(timeScale: 0.5).apply(to: requests(at: [3, 1 << 60]))
    #expect(slower.map(\.arrival.rawValue) == [6, 1 << 61])
  }

  @Test("The limit counts from the start of the window", arguments: 0...4)
  func limit(count: Int) throws {
    let selected = try WorkloadSelection(from: Nanoseconds(1), maxRequests: count)
      .apply(to: requests(at: [0, 1, 2, 3]))
    #expect(selected.map(\.id.rawValue) == Array([1, 2, 3].prefix(count)))
  }

  @Test("An arrival that a trace cannot hold once it is moved is an error that names the request")
  func unstorable() {
    for (selection, arrival) in [
      (WorkloadSelection(timeScale: 0.001), 2_000_000_000_000_000_000),
      (WorkloadSelection(timeScale: 0.5), (1 << 60) + 1024),
      (WorkloadSelection(timeScale: 0.5), .min),
      (WorkloadSelection(from: Nanoseconds(-10)), .max),
    ] as [(WorkloadSelection, Int64)] {
      let error = #expect(throws: WorkloadSelectionError.self) {
        try selection.apply(to: requests(at: [0, arrival]))
      }
      if arrival > 0 { #expect(error?.message.hasPrefix("request 1 would arrive") == true) }
    }
  }

  @Test("The limit takes the earliest requests in their order, for recordings are not sorted")
  func earliest() throws {
    let unsorted = requests(at: [9, 2, 7, 2, 1, 2])
    for (count, ids) in [(1, [4]), (2, [1, 4]), (3, [1, 3, 4]), (5, [1, 2, 3, 4, 5])] {
      let selected = try WorkloadSelection(maxRequests: count).apply(to: unsorted)
      #expect(selected.map(\.id.rawValue) == ids.map(Int64.init))
    }
  }
}
