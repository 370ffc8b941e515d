import Testing
import TraceModel

@testable import ClientLogs

@Suite("Which request of a client's log is which of a trace")
struct ClientLogMatchingTests {
  /// Requests every 100 ms, each with a longer prompt.
  private func trace(_ count: Int = 4) -> [TraceRequest] {
    (0..<Int32(count)).map { index in
      let arrival = Nanoseconds(Int64(index) * 100_000_000)
      return TraceRequest(
        id: RequestID(Int64(10 + index)), arrival: arrival,
        promptTokens: TokenCount(1000 + 100 * index), outputTokens: TokenCount(2))
    }
  }

  private func request(
    id: Int, own: Bool = true, sent: Double, prompt: Int? = nil, tokens: Int = 2
  ) -> ClientRequest {
    ClientRequest(
      id: Int64(id), hasOwnID: own, sent: Nanoseconds(seconds: sent), ttft: Nanoseconds(1000),
      gaps: [Nanoseconds(10)], e2el: Nanoseconds(1010), promptTokens: prompt,
      outputTokens: tokens)
  }

  private func log(
    _ requests: [ClientRequest], format: ClientLog.Format = .tokens, failed: Int = 0
  ) -> ClientLog {
    ClientLog(source: "log", format: format, requests: requests, failed: failed)
  }

  @Test("ids decide where the log has them, whatever the order")
  func ids() throws {
    let requests = [12, 10, 13, 11].map { request(id: $0, sent: Double($0 - 10) / 10 + 7) }
    let matches = try log(requests).matched(to: trace())
    #expect(matches.map { $0?.id } == [10, 11, 12, 13])
  }

  @Test("without ids the order of sending is the order of arrival, wherever the clock starts")
  func order() throws {
    var requests = trace()
    requests.swapAt(0, 3)
    let own = (0..<4).map { request(id: $0, own: false, sent: 500 + Double($0) / 10) }
    let matches = try log(own, format: .aiperf).matched(to: requests)
    #expect(matches.map { $0?.id } == [3, 1, 2, 0])
  }

  @Test(
    "a request that failed keeps its place in the lists of vllm bench serve, and counts for none")
  func failed() throws {
    let own = [0, 1, 3].map { request(id: $0, own: false, sent: Double($0) / 10) }
    let matches = try log(own, format: .bench, failed: 1).matched(to: trace())
    #expect(matches.map { $0?.id } == [0, 1, nil, 3])
    #expect(throws: ClientLogError.self) {
      try log(own, format: .aiperf, failed: 1).matched(to: trace())
    }
  }

  @Test("a prompt may gain the few tokens that a server adds")
  func slack() throws {
    let own = (0..<4).map { request(id: 10 + $0, sent: Double($0) / 10, prompt: 1001 + 100 * $0) }
    #expect(try log(own).matched(to: trace()).count == 4)
  }

  @Test("a log of another run is told by what differs")
  func otherRuns() {
    func words(_ log: ClientLog, _ requests: [TraceRequest]) -> String {
      do throws(ClientLogError) {
        _ = try log.matched(to: requests)
        return "matched"
      } catch {
        #expect(error.kind == .otherRun)
        return error.message
      }
    }
    let own = (0..<4).map { request(id: 10 + $0, sent: Double($0) / 10) }
    #expect(words(log(own), trace(5)).contains("4 requests here, 5 in the trace"))
    let strange = own.dropLast() + [request(id: 99, sent: 0.3)]
    #expect(words(log(Array(strange)), trace()).contains("request 99 is not in the trace"))
    let long = own.dropLast() + [request(id: 13, sent: 0.3, prompt: 2600)]
    #expect(words(log(Array(long)), trace()).contains("2600 prompt tokens here, 1300"))
    let short = own.dropLast() + [request(id: 13, sent: 0.3, tokens: 7)]
    #expect(words(log(Array(short)), trace()).contains("7 output tokens here, 2"))
    let slow = (0..<4).map { request(id: 10 + $0, sent: Double($0) * 3) }
    #expect(words(log(slow), trace()).contains("s off their arrivals"))
  }
}
