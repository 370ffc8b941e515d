import Reports
import TestSupport
import Testing
import TraceModel

@testable import RepriseCommands

@Suite("Arrivals where another run's callers sent")
struct SendingsTests {
  private func source() throws -> ReplaySource {
    try ReplaySource(
      path: RepositoryFile.path("traces/h200/mistral-small-24b-mooncake-26.always-2d.reprise"),
      batches: .rescheduled, engine: nil, selection: WorkloadSelection())
  }

  @Test("follow the log's distances, whatever its clock begins at")
  func clocks() throws {
    let source = try source()
    // Each a little later than the one before, so that the middle one is as the trace has it.
    let late = source.requests.enumerated().map { index, request -> Nanoseconds? in
      request.arrival + Nanoseconds(Int64(1000 * index))
    }
    let moved = source.requests(sent: late)
    let middle = source.requests.count / 2
    for (index, pair) in zip(source.requests, moved).enumerated() {
      #expect(pair.1.arrival - pair.0.arrival == Nanoseconds(Int64(1000 * (index - middle))))
    }
    let years = Nanoseconds(1_795_486_230_437_011_000)
    #expect(source.requests(sent: late.map { $0.map { $0 + years } }) == moved)
  }

  @Test("stay where a request's sending is not known")
  func unknown() throws {
    let source = try source()
    #expect(source.requests(sent: source.requests.map { _ in nil }) == source.requests)
    var sent = source.requests.map { Nanoseconds?($0.arrival) }
    sent[3] = nil
    sent[5] = source.requests[5].arrival + Nanoseconds(7)
    let moved = source.requests(sent: sent)
    #expect(moved[3] == source.requests[3])
    #expect(moved[5].arrival == source.requests[5].arrival + Nanoseconds(7))
  }

  @Test("keep their order when they are moved by chance")
  func order() {
    func requests(_ arrivals: [Int64]) -> [TraceRequest] {
      arrivals.enumerated().map { index, arrival in
        TraceRequest(
          id: RequestID(Int64(index)), arrival: Nanoseconds(arrival), promptTokens: TokenCount(1),
          outputTokens: TokenCount(1))
      }
    }
    var moved = requests([40, 12, 25, 26])
    moved.keepOrder(of: requests([30, 10, 20, 20]))
    #expect(moved.map(\.arrival.rawValue) == [40, 12, 25, 26])
    moved = requests([5, 12, 26, 25])
    moved.keepOrder(of: requests([30, 10, 20, 20]))
    #expect(moved.map(\.arrival.rawValue) == [26, 12, 26, 26])
  }
}
