import Testing
import TestSupport
import TraceImport
import TraceModel

@Suite("NVIDIA Dynamo's forward-pass metrics become steps")
struct DynamoFPMTests {
  /// Six requests of known lengths through a made-up engine with a budget of 1024 tokens, in the form that
  /// Dynamo documents, with an idle heartbeat and two passes missing.
  private static let sample = "Tests/TraceImportTests/Fixtures/dynamo_fpm.jsonl"
  private static let lengths = [(300, 12), (40, 30), (2100, 20), (64, 25), (64, 25), (700, 8)]

  private func read(_ text: String) throws(TraceImportError) -> ImportedRun {
    try DynamoFPMReader.read(BytesInMemory(Array(text.utf8)), name: "log")
  }

  private func pass(
    _ counter: Int, _ extends: [Int], _ pasts: [Int], prefills: Int = 0, wall: Double = 0.01,
    rank: Int = 0
  ) -> String {
    #"{"version":1,"worker_id":"a","dp_rank":\#(rank),"counter_id":\#(counter),"#
      + #""wall_time":\#(wall),"scheduled_requests":{"num_prefill_requests":\#(prefills),"#
      + #""extend_lengths":\#(extends),"past_kv_lengths":\#(pasts)}}"# + "\n"
  }

  @Test("requests are found by their lengths, with their prompts and outputs")
  func sample() throws {
    let run = try read(RepositoryFile.text(Self.sample))
    // Two requests of equal length may be told from one another as well as not.
    let found = run.requests.map { ($0.promptTokens.value, $0.outputTokens.value) }
    #expect(found.count == Self.lengths.count)
    for (found, expected) in zip(found, Self.lengths) { #expect(found == expected) }
    #expect(run.gaps == [TraceGap(afterStep: 119, droppedSteps: 2)])
    #expect(run.notes.contains { $0.contains("idle pass") })
    #expect(run.header["worker"] == .string("4192"))
  }

  @Test("every batch has the lengths of the log, and no request twice")
  func batches() throws {
    let lines = try RepositoryFile.text(Self.sample).split(separator: "\n")
    let run = try read(lines.joined(separator: "\n"))
    var steps = run.steps.makeIterator()
    for line in lines {
      let metrics = try JSONValue(parsing: Array(line.utf8))["event"]?["fpm"]
      guard let scheduled = metrics?["scheduled_requests"],
        case .array(let extends)? = scheduled["extend_lengths"],
        case .array(let pasts)? = scheduled["past_kv_lengths"]
      else { continue }
      let next = steps.next()
      let step = try #require(next)
      #expect(step.number == metrics?["counter_id"]?.int.map { Int64($0) })
      #expect(step.rows.map(\.queryLength.value) == extends.map(\.int))
      #expect(step.rows.map(\.computed.value) == pasts.map(\.int))
      #expect(Set(step.rows.map(\.request)).count == step.rows.count)
      #expect(step.output.map { $0 >= step.scheduleStart } == true)
    }
    #expect(steps.next() == nil)
  }

  @Test("lengths that count the token about to be written belong to the same request")
  func oneMore() throws {
    let run = try read(
      pass(0, [10], [0], prefills: 1) + pass(1, [1], [11]) + pass(2, [1, 5], [12, 0], prefills: 1))
    #expect(run.requests.map(\.promptTokens.rawValue) == [10, 5])
    #expect(run.requests.map(\.outputTokens.rawValue) == [3, 1])
    #expect(run.steps[2].rows.map(\.request) == [0, 1])
    #expect(run.steps.map(\.scheduleStart.rawValue) == [0, 10_000_000, 20_000_000])
  }

  @Test("a recording that begins in the middle of requests says so")
  func middle() throws {
    let run = try read(pass(0, [1, 1], [50, 70]) + pass(1, [1, 1], [51, 71]))
    #expect(run.requests.map(\.promptTokens.rawValue) == [51, 71])
    #expect(run.notes.contains { $0.contains("2 rows follow no request") })
  }

  @Test("passes of other ranks are counted and left out")
  func ranks() throws {
    let run = try read(pass(0, [1], [5]) + pass(0, [1], [9], rank: 1))
    #expect(run.steps.count == 1)
    #expect(run.notes.contains { $0.contains("another worker or rank") })
  }

  @Test("an idle pass of the worker is not missing, one of another worker says nothing")
  func idle() throws {
    let busy = [pass(1, [1], [5]), pass(6, [1], [6])]
    let ours = pass(2, [], []) + pass(4, [], [], wall: 0)
    let other = pass(5, [], [], rank: 1)
    let run = try read(busy[0] + ours + other + busy[1] + pass(8, [], []))
    #expect(
      run.gaps == [
        TraceGap(afterStep: 1, droppedSteps: 2), TraceGap(afterStep: 6, droppedSteps: 1),
      ])
    #expect(try read(pass(0, [], [], wall: 0, rank: 1) + busy[0]).steps.count == 1)
  }

  @Test(
    "what cannot be replayed is refused on its line",
    arguments: [
      (#"{"wall_time":1,"scheduled_requests":{"num_decode_requests":2}}"#, "sums alone"),
      (#"{"event":{"capture_mode":"sampled","fpm":{}}}"#, "DYN_FPM_MODE=full"),
      (#"{"kind":"step"}"#, "neither forward-pass metrics"),
      (
        #"{"wall_time":1,"scheduled_requests":{"extend_lengths":[1],"past_kv_lengths":[]}}"#,
        "1 extend_lengths"
      ),
      (
        #"{"wall_time":1,"scheduled_requests":{"extend_lengths":[0],"past_kv_lengths":[1]}}"#,
        "no number of tokens"
      ),
      (#"{"wall_time":1,"#, "JSON"), ("", "no forward pass"),
    ])
  func refused(line: String, reason: String) {
    let error = #expect(throws: TraceImportError.self) { try read(line) }
    #expect(error?.message.contains(reason) == true, "\(error?.message ?? "")")
  }

  @Test("counters that go back are refused")
  func order() {
    let error = #expect(throws: TraceImportError.self) {
      try read(pass(5, [1], [5]) + pass(5, [1], [6]))
    }
    #expect(error?.line == 2)
  }

  @Test("the first line tells the form, and is not lost by looking at it")
  func detection() throws {
    let text = try RepositoryFile.text(Self.sample)
    for pieceMax in [1, 100, 1 << 20] {
      var source = try PeekedSource(BytesInMemory(Array(text.utf8), pieceMax: pieceMax))
      #expect(StepLogFormat(detecting: source.firstLine) == .dynamoFPM)
      var all: [UInt8] = []
      var buffer = [UInt8](repeating: 0, count: 777)
      while true {
        var span = buffer.mutableSpan
        let count = try source.read(into: &span)
        guard count > 0 else { break }
        all += buffer[..<count]
      }
      #expect(all == Array(text.utf8))
    }
    #expect(StepLogFormat(detecting: Array(StepLogs.header.utf8)) == .engineStepLog)
    #expect(StepLogFormat(detecting: Array("1,2,3".utf8)) == nil)
  }
}
