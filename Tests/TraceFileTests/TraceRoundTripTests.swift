import TestSupport
import Testing
import TraceModel

@testable import TraceFile

@Suite("A trace read back")
struct TraceRoundTripTests {
  let folder: TemporaryDirectory
  init() throws { folder = try TemporaryDirectory() }

  @Test("is what was written, for every small number of requests, steps and steps in a chunk")
  func small() throws {
    for requests in 0...3 {
      for steps in 0...(requests == 0 ? 0 : 4) {
        for chunk in 1...2 {
          let trace = RandomTrace(seed: 1, requestCount: requests, stepCount: steps)
          try trace.write(to: folder.file("t.reprise"), stepsPerChunk: chunk)
          #expect(try TraceContents(path: folder.file("t.reprise")) == TraceContents(trace))
        }
      }
    }
  }

  @Test("is what was written, whatever it holds", arguments: 1...60 as ClosedRange<UInt64>)
  func random(seed: UInt64) throws {
    print("trace round trip, seed \(seed)")
    let trace = RandomTrace(seed: seed, requestCount: 12, stepCount: 150)
    try trace.write(to: folder.file("t.reprise"), stepsPerChunk: 40)
    let read = try TraceContents(path: folder.file("t.reprise"))
    #expect(read.steps == trace.steps)
    #expect(read == TraceContents(trace))
  }

  @Test("keeps times to the microsecond and GPU times to a tenth of one")
  func rounding() throws {
    var writer = try TraceWriter(path: folder.file("t.reprise"), header: TraceHeader())
    try writer.append(
      TraceStep(
        scheduleStart: Nanoseconds(1_499), scheduleEnd: Nanoseconds(1_500),
        output: Nanoseconds(-1_500), gpuTime: Nanoseconds(149), forwardTime: Nanoseconds(150)))
    try writer.finish()
    let step = try #require(try TraceContents(path: folder.file("t.reprise")).steps.first)
    #expect(step.scheduleStart == Nanoseconds(1_000))
    #expect(step.scheduleEnd == Nanoseconds(2_000))
    #expect(step.output == Nanoseconds(-2_000))
    #expect(step.gpuTime == Nanoseconds(100))
    #expect(step.forwardTime == Nanoseconds(200))
  }

  @Test("keeps lengths and ids at the ends of their ranges")
  func extremes() throws {
    let path = folder.file("t.reprise")
    var writer = try TraceWriter(path: path, header: TraceHeader())
    let request = TraceRequest(
      id: RequestID(.min), arrival: .zero, promptTokens: TokenCount(.max),
      outputTokens: TokenCount(.max), prefixBlocks: [.max, 0, .max, 1, .max - 1])
    try writer.append(request)
    var steps: [TraceStep] = []
    for (number, computed) in [(Int64.min + 1, Int32.max - 1), (0, 0), (.max - 1, .max - 1)] {
      let row = StepRow(
        request: 0, computed: TokenCount(computed), queryLength: TokenCount(1))
      steps.append(TraceStep(number: number, rows: [row]))
    }
    for step in steps { try writer.append(step) }
    try writer.finish()
    let read = try TraceContents(path: path)
    #expect(read.requests == [request])
    #expect(read.steps == steps)
  }

  @Test("from a place or a moment is what reading all of it gives from there")
  func randomAccess() throws {
    let trace = RandomTrace(seed: 7, requestCount: 9, stepCount: 90)
    try trace.write(to: folder.file("t.reprise"), stepsPerChunk: 16)
    let reader = try TraceReader(path: folder.file("t.reprise"))
    for place in [0, 1, 15, 16, 17, 63, 89, 90, 1_000] {
      #expect(
        try TraceContents.all(reader.steps(from: place)) == Array(trace.steps.dropFirst(place)))
    }
    let starts = trace.steps.map(\.scheduleStart)
    for (from, to) in [(0, 89), (3, 4), (10, 40), (16, 17), (5, 5), (88, 89)] {
      let window = starts[from]..<starts[to]
      #expect(
        try TraceContents.all(reader.steps(between: window.lowerBound, and: window.upperBound))
          == trace.steps.filter { window.contains($0.scheduleStart) })
    }
  }

  @Test("counts what it holds")
  func totals() throws {
    let trace = RandomTrace(seed: 3, requestCount: 5, stepCount: 20)
    try trace.write(to: folder.file("t.reprise"))
    let totals = try TraceVerification.verify(path: folder.file("t.reprise"))
    #expect(totals.requests == 5)
    #expect(totals.steps == 20)
    #expect(totals.rows == trace.steps.reduce(0) { $0 + $1.rows.count })
    #expect(totals.promptTokens == trace.requests.reduce(0) { $0 + $1.promptTokens.value })
    #expect(totals.gaps == 4)
    #expect(totals.droppedSteps == 12)
  }

  @Test("costs next to nothing where the engine goes on as it did")
  func steadyDecode() throws {
    let path = folder.file("t.reprise")
    var writer = try TraceWriter(path: path, header: TraceHeader())
    for id in 0..<64 {
      try writer.append(
        TraceRequest(
          id: RequestID(Int64(id)), arrival: .zero, promptTokens: TokenCount(100),
          outputTokens: TokenCount(5_000)))
    }
    for number in 0..<4_000 {
      let start = Nanoseconds(Int64(number) * 14_000_000)
      let rows = (0..<64).map {
        StepRow(
          request: Int32($0), computed: TokenCount(Int32(100 + number)), queryLength: TokenCount(1))
      }
      try writer.append(
        TraceStep(
          number: Int64(number), scheduleStart: start, scheduleEnd: start + Nanoseconds(100_000),
          output: start + Nanoseconds(28_000_000), rows: rows))
    }
    try writer.finish()
    let reader = try TraceReader(path: path)
    #expect(reader.fileSize.rawValue < 4_000, "\(reader.fileSize.rawValue) bytes for 256,000 rows")
  }
}
