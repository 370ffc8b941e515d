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
    let matches = try log(requests).matched(to: trace()).requests
    #expect(matches.map { $0?.id } == [10, 11, 12, 13])
  }

  @Test("without ids the order of sending is the order of arrival, wherever the clock starts")
  func order() throws {
    var requests = trace()
    requests.swapAt(0, 3)
    let own = (0..<4).map { request(id: $0, own: false, sent: 500 + Double($0) / 10) }
    let matches = try log(own, format: .aiperf).matched(to: requests).requests
    #expect(matches.map { $0?.id } == [3, 1, 2, 0])
  }

  @Test(
    "a request that failed keeps its place in the lists of vllm bench serve, and counts for none")
  func failed() throws {
    var own = [0, 1, 3].map { request(id: $0, own: false, sent: Double($0) / 10) }
    for format in [ClientLog.Format.bench, .aiperf] {
      let matches = try log(own, format: format, failed: 1).matched(to: trace()).requests
      #expect(matches.map { $0?.id } == [0, 1, nil, 3])
    }
    for index in own.indices { own[index].sent = nil }
    let matches = try log(own, format: .bench, failed: 1).matched(to: trace()).requests
    #expect(matches.map { $0?.id } == [0, 1, nil, 3])
  }

  @Test("what the trace has more is left out, before the first sending as between two")
  func warmUps() throws {
    let all = (0..<40).map {
      request(id: $0, own: false, sent: 9 + Double($0) / 10, prompt: 1000 + 100 * $0)
    }
    for missing in [0, 17, 39] {
      var own = all
      own.remove(at: missing)
      let matches = try log(own, format: .aiperf).matched(to: trace(40))
      #expect(
        matches.requests.map { $0?.id } == all.map { $0.id == missing ? nil : $0.id }, "\(missing)")
      #expect(matches.leftOut == 0)
    }
    // Of equal requests at a steady rate nothing but the end tells.
    var steady = trace(5)
    for index in steady.indices { steady[index].promptTokens = TokenCount(1000) }
    var own = (0..<4).map { request(id: $0, own: false, sent: Double($0) / 10, prompt: 1000) }
    for hasTimes in [true, false] {
      if !hasTimes { for index in own.indices { own[index].sent = nil } }
      let matches = try log(own, format: .bench).matched(to: steady)
      #expect(matches.requests.map { $0?.id } == [nil, 0, 1, 2, 3])
    }
  }

  @Test(
    "requests that reach the engine in another order than they were sent are told by their lengths")
  func swapped() throws {
    var requests = trace(30)
    requests[8].arrival = requests[9].arrival + Nanoseconds(2_000_000)
    let own = (0..<30).map {
      request(id: $0, own: false, sent: Double($0) / 10, prompt: 1000 + 100 * $0)
    }
    let matches = try log(own, format: .bench).matched(to: requests)
    #expect(matches.requests.map { $0?.id } == (0..<30).map(Int64.init))
  }

  @Test(
    "of a burst each request has its own answer's length, with a warm-up less and with prompts cut")
  func burst() throws {
    let requests: [TraceRequest] = (0..<Int32(2000)).map { index in
      let prompt: Int32 = 500 + index * index % 997
      let output: Int32 = 20 + index * 7 % 181
      return TraceRequest(
        id: RequestID(Int64(index)), arrival: Nanoseconds(Int64(index) * 20_000),
        promptTokens: TokenCount(prompt), outputTokens: TokenCount(output))
    }
    for (warmUps, cut) in [(40, 0), (40, 5), (0, 25)] {
      let own = requests.dropFirst(warmUps).map {
        request(
          id: Int($0.id.rawValue), own: false, sent: 3 + $0.arrival.seconds,
          prompt: $0.promptTokens.value - cut, tokens: $0.outputTokens.value)
      }
      let matches = try log(own, format: .bench).matched(to: requests)
      #expect(matches.leftOut == 0, "\(warmUps), \(cut)")
      let wrong = zip(requests, matches.requests).count { request, match in
        match.map { requests[Int($0.id)].outputTokens != request.outputTokens } ?? false
      }
      #expect(wrong == 0, "\(warmUps), \(cut)")
    }
  }

  @Test("a stream that was cut short is left out, and the others are compared")
  func cutShort() throws {
    var own = (0..<20).map { request(id: 10 + $0, sent: Double($0) / 10) }
    var requests = trace(20)
    for index in requests.indices { requests[index].outputTokens = TokenCount(20) }
    for index in own.indices { own[index].outputTokens = index == 6 ? 1 : 19 + index % 3 }
    let matches = try log(own).matched(to: requests)
    #expect(matches.leftOut == 1)
    #expect(matches.requests[6] == nil)
    // The engine's count stands where the client's is off by a token.
    #expect(matches.requests.compactMap(\.self).allSatisfy { $0.outputTokens == 20 })
  }

  @Test("what a chat template adds to every prompt is no other run, what one prompt has more is")
  func template() throws {
    let lengths = (0..<20).map { 1000 + $0 * $0 * 97 % 2311 }
    var requests = trace(20)
    for index in requests.indices {
      requests[index].promptTokens = TokenCount(Int32(lengths[index]))
    }
    var own = (0..<20).map {
      request(id: $0, own: false, sent: Double($0) / 10, prompt: lengths[$0] - 120)
    }
    #expect(try log(own, format: .bench).matched(to: requests).leftOut == 0)
    own[4].promptTokens = lengths[4] - 10
    let matches = try log(own, format: .bench).matched(to: requests)
    #expect(matches.leftOut == 1)
    #expect(matches.requests[4] == nil)
  }

  @Test("a prompt may gain the few tokens that a server adds")
  func slack() throws {
    let own = (0..<4).map { request(id: 10 + $0, sent: Double($0) / 10, prompt: 1001 + 100 * $0) }
    #expect(try log(own).matched(to: trace()).leftOut == 0)
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
    let strange = own.dropLast() + [request(id: 99, sent: 0.3)]
    #expect(words(log(Array(strange)), trace()).contains("request 99 is not in it"))
    var untimed = (0..<4).map { request(id: $0, own: false, sent: 0) }
    for index in untimed.indices { untimed[index].sent = nil }
    #expect(
      words(log(untimed, format: .bench), trace(3)).contains("4 requests here, 3 in the trace"))
    let others = (0..<4).map { request(id: $0, own: false, sent: Double($0), prompt: 50) }
    #expect(words(log(others, format: .aiperf), trace(9)).contains("4 of 4 requests are not in it"))
    let long = own.dropLast() + [request(id: 13, sent: 0.3, prompt: 2600)]
    #expect(words(log(Array(long)), trace()).contains("2600 prompt tokens here, 1300"))
    let short = own.dropLast() + [request(id: 13, sent: 0.3, tokens: 7)]
    #expect(words(log(Array(short)), trace()).contains("7 output tokens here, 2"))
    let slow = (0..<4).map { request(id: 10 + $0, sent: Double($0) * 3) }
    #expect(words(log(slow), trace()).contains("s off their arrivals"))
  }
}
