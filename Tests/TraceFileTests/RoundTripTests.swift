import Testing
import TestSupport
import TraceModel

@testable import TraceFile

@Suite("A trace gives back what was written")
struct RoundTripTests {
  let folder: TemporaryDirectory

  init() throws { folder = try TemporaryDirectory() }

  private func roundTrip(_ trace: SampleTrace, flushEvery: Int = .max) throws -> SampleTrace {
    try trace.write(to: folder.file("a.reprise"), flushEvery: flushEvery)
    return try SampleTrace(reading: folder.file("a.reprise"))
  }

  @Test("a trace of nothing but a header")
  func empty() throws {
    var trace = SampleTrace()
    #expect(try roundTrip(trace) == trace)
    trace.header = SampleTrace.sampleHeader
    #expect(try roundTrip(trace) == trace)
    #expect(try TraceVerification.verify(path: folder.file("a.reprise")).steps == 0)
  }

  @Test("small traces of an engine, with every count of requests and steps")
  func small() throws {
    for requests in 1...4 {
      for steps in 0...6 {
        let recipe = SampleTrace.Recipe(requests: requests, stepsMax: steps)
        let trace = SampleTrace(recipe, seed: UInt64(requests * 10 + steps))
        #expect(try roundTrip(trace) == trace, "\(requests) requests, \(steps) steps")
      }
    }
  }

  @Test("random traces, odd ones and those in many chunks", arguments: SeededDice.seeds(24))
  func random(seed: UInt64) throws {
    var dice = SeededDice(seed: seed)
    let recipe = SampleTrace.Recipe(
      requests: dice.roll(1...40), stepsMax: dice.roll(1...150), isAsynchronous: dice.oneIn(2),
      oddOneIn: [0, 2, 10, 50].randomElement(using: &dice) ?? 0,
      unit: [1, 10, 100, 1000].randomElement(using: &dice) ?? 1, hasCounts: dice.oneIn(2),
      hasPrefixBlocks: dice.oneIn(2), hasLimits: dice.oneIn(2))
    let trace = SampleTrace(recipe, seed: seed)
    let flushEvery = dice.oneIn(2) ? .max : dice.roll(1...40)
    #expect(try roundTrip(trace, flushEvery: flushEvery) == trace, "seed \(seed), \(recipe)")
    let totals = try TraceVerification.verify(path: folder.file("a.reprise"))
    #expect(totals.steps == trace.steps.count)
    #expect(totals.requests == trace.requests.count)
    #expect(totals.rows == trace.steps.reduce(0) { $0 + $1.rows.count })
    #expect(totals.gaps == trace.gaps.count)
  }

  @Test("the largest and smallest values of everything")
  func extremes() throws {
    var trace = SampleTrace()
    let tokens = TokenCount(TraceFileLimits.tokensMax)
    let time = Nanoseconds(TraceFileLimits.timeMax)
    let early = Nanoseconds(-TraceFileLimits.timeMax)
    let long = Nanoseconds(TraceFileLimits.gpuTimeMax)
    let negative = Nanoseconds(-TraceFileLimits.gpuTimeMax)
    trace.requests = [
      TraceRequest(
        id: RequestID(.min), arrival: early, promptTokens: tokens, outputTokens: tokens,
        prefixBlocks: [.max, 0, .max, .max - 1, 1, .max, .max]),
      TraceRequest(
        id: RequestID(.max), arrival: time, promptTokens: .zero, outputTokens: .zero,
        prefixBlocks: [0, 0]),
    ]
    let row = StepRow(
      request: 0, computed: tokens - TokenCount(1), queryLength: TokenCount(1))
    let number = TraceFileLimits.stepNumberMax
    trace.steps = [
      TraceStep(number: -number, scheduleStart: early, scheduleEnd: time, rows: []),
      TraceStep(
        number: number - 1, scheduleStart: time, scheduleEnd: early, output: early, gpuTime: long,
        forwardTime: negative, waiting: .max, running: .min, freeKVBlocks: .min, rows: [row]),
      TraceStep(
        number: number, scheduleStart: early, scheduleEnd: time, output: time, gpuTime: negative,
        forwardTime: long, waiting: .min, running: .max, freeKVBlocks: .max, rows: [row, row],
        preempted: [1, 0, 0], finished: [1, 1]),
    ]
    trace.gaps = [TraceGap(afterStep: -number, droppedSteps: number)]
    #expect(try roundTrip(trace) == trace)
  }

  @Test("a step that took the GPU longer than a trace may hold is refused")
  func tooLong() throws {
    let long = Nanoseconds(TraceFileLimits.gpuTimeMax + 1)
    for step in [TraceStep(gpuTime: long, rows: []), TraceStep(forwardTime: long, rows: [])] {
      var trace = SampleTrace()
      trace.steps = [step]
      let error = #expect(throws: TraceFileError.self) {
        try trace.write(to: folder.file("a.reprise"))
      }
      #expect(error?.message.contains("a time that a trace cannot hold") == true)
    }
  }

  @Test("a decode batch that goes on costs nothing but its times")
  func freeRows() throws {
    var trace = SampleTrace()
    let request = TraceRequest(
      id: RequestID(0), arrival: .zero, promptTokens: TokenCount(10), outputTokens: TokenCount(5000)
    )
    trace.requests = (0..<100).map { index in
      var request = request
      request.id = RequestID(Int64(index))
      return request
    }
    for place in 0..<4000 {
      let time = Nanoseconds(Int64(place) * 1_000_000)
      trace.steps.append(
        TraceStep(
          number: Int64(place), scheduleStart: time, scheduleEnd: time, output: time,
          rows: (0..<100).map {
            StepRow(
              request: $0, computed: TokenCount(Int32(place)),
              queryLength: TokenCount(1))
          }))
    }
    try trace.write(to: folder.file("a.reprise"))
    let reader = try TraceReader(path: folder.file("a.reprise"))
    #expect(try SampleTrace.all(reader.steps()) == trace.steps)
    #expect(reader.fileSize.rawValue < 1200, "\(reader.fileSize.rawValue) bytes of 400,000 rows")
  }

  @Test("a conversation's next turn costs little more than its new blocks' count")
  func sharedPrefixes() throws {
    var trace = SampleTrace()
    var blocks: [UInt64] = []
    for turn in 0..<200 {
      blocks += (0..<50).map { UInt64(turn * 50 + $0) }
      trace.requests.append(
        TraceRequest(
          id: RequestID(Int64(turn)), arrival: .zero, promptTokens: TokenCount(1),
          outputTokens: TokenCount(1), prefixBlocks: blocks))
    }
    #expect(try roundTrip(trace) == trace)
    let size = try TraceReader(path: folder.file("a.reprise")).fileSize.rawValue
    #expect(size < 3000, "\(size) bytes of a million blocks")
  }

  @Test("what cannot be stored is refused in one line, and nothing is left behind")
  func invalid() throws {
    let request = TraceRequest(
      id: RequestID(1), arrival: .zero, promptTokens: TokenCount(1), outputTokens: TokenCount(1))
    let row = StepRow(request: 0, computed: .zero, queryLength: TokenCount(1))
    var odd = request
    odd.promptTokens = TokenCount(-1)
    try expectInvalid("holds 0 to") { try $0.append(odd) }
    odd = request
    odd.outputLimit = TokenCount(-1)
    try expectInvalid("may generate -1") { try $0.append(odd) }
    odd = request
    odd.arrival = Nanoseconds(.min)
    try expectInvalid("arrives at a time") { try $0.append(odd) }
    try expectInvalid("appears twice") {
      try $0.append(request); try $0.append(request)
    }
    try expectInvalid("not added before") { try $0.append(TraceStep(rows: [row])) }
    try expectInvalid("not added before") { try $0.append(TraceStep(finished: [0])) }
    try expectInvalid("comes after step 5") {
      try $0.append(TraceStep(number: 5))
      try $0.append(TraceStep(number: 5))
    }
    try expectInvalid("which cannot be") {
      try $0.append(request)
      try $0.append(TraceStep(rows: [StepRow(request: 0, computed: .zero, queryLength: .zero)]))
    }
    try expectInvalid("a number") { try $0.append(TraceStep(number: .max)) }
    try expectInvalid("a gap") { try $0.append(TraceGap(afterStep: 0, droppedSteps: -1)) }
    #expect(try folder.contents().isEmpty)
  }

  private func expectInvalid(
    _ words: String, _ body: (inout TraceWriter) throws -> Void
  ) throws {
    var writer = try TraceWriter(path: folder.file("bad.reprise"), header: TraceHeader())
    let error = #expect(throws: TraceFileError.self) { try body(&writer) }
    let message = error?.message ?? ""
    #expect(message.contains(words) && !message.contains("\n"), "\(message)")
    writer.cancel()
  }
}
