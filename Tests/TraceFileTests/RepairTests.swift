import Testing
import TestSupport
import TraceModel

@testable import TraceFile

@Suite("What is whole of a damaged trace is saved")
struct RepairTests {
  let folder: TemporaryDirectory
  let trace: SampleTrace
  /// The file that a writer leaves when it is killed after its last chunk.
  let partial: [UInt8]

  init() throws {
    folder = try TemporaryDirectory()
    trace = SampleTrace(.init(requests: 6, stepsMax: 28, hasPrefixBlocks: true), seed: 11)
    try trace.writePartial(to: folder.file("a.reprise"), flushEvery: 7)
    partial = try folder.bytes(of: "a.reprise.partial")
  }

  /// Repairs bytes; `nil` where nothing can be saved.
  private func repaired(_ bytes: [UInt8]) throws -> (report: RepairReport, trace: SampleTrace)? {
    let path = try folder.write(bytes, to: "damaged")
    let output = folder.file("repaired.reprise")
    do {
      let report = try TraceRepair.repair(path: path, to: output)
      let totals = try TraceVerification.verify(path: output)
      #expect(report.totals == totals)
      return (report, try SampleTrace(reading: output))
    } catch let error as TraceFileError {
      #expect(!error.message.contains("\n"), "\(error.message)")
      return nil
    }
  }

  /// Where each chunk of the partial file ends, and how many steps there are up to there.
  private func ends() throws -> [(offset: Int, kind: ChunkKind?, steps: Int)] {
    var ends: [(offset: Int, kind: ChunkKind?, steps: Int)] = []
    var offset = FileHead.byteCount
    var steps = 0
    while offset < partial.count {
      let header = try ChunkHeader(Array(partial[offset..<(offset + ChunkHeader.byteCount)]))
      offset += Int(header.chunkBytes)
      if header.kind == ChunkKind.steps.rawValue { steps += Int(header.itemCount) }
      ends.append((offset, ChunkKind(rawValue: header.kind), steps))
    }
    return ends
  }

  @Test("a writer that is dropped leaves nothing; one that is killed leaves a partial file")
  func names() throws {
    #expect(try folder.contents() == ["a.reprise.partial"])
    let error = #expect(throws: TraceFileError.self) {
      try TraceReader(path: folder.file("a.reprise.partial"))
    }
    #expect(error?.kind == .unfinished)
    #expect(error?.message.contains("trace repair") == true)
    do {
      _ = try TraceWriter(path: folder.file("b.reprise"), header: TraceHeader())
    }
    #expect(try folder.contents() == ["a.reprise.partial"])
  }

  @Test("killed at any byte: all whole chunks, and no more")
  func killed() throws {
    let ends = try ends()
    try #require(ends.count > 8)
    for count in partial.indices {
      let whole = ends.last { $0.offset <= count }
      let saved = try repaired(Array(partial[..<count]))
      guard let whole else {
        #expect(saved == nil, "\(count) bytes")
        continue
      }
      #expect(saved?.trace.header == trace.header)
      #expect(saved?.trace.steps == Array(trace.steps[..<whole.steps]), "\(count) bytes")
      #expect(saved?.report.lostBytes.rawValue == Int64(count - whole.offset), "\(count) bytes")
      #expect(saved?.report.lostSteps == 0)
      #expect(try !folder.contents().contains("repaired.reprise.partial"))
    }
  }

  @Test("an unfinished trace is repaired under the name it was meant to have, and stays itself")
  func intoOwnName() throws {
    for output in ["a.reprise", "./a.reprise"] {
      let report = try TraceRepair.repair(
        path: folder.file("a.reprise.partial"), to: folder.file(output))
      #expect(report.totals.steps == trace.steps.count)
      #expect(try folder.bytes(of: "a.reprise.partial") == partial)
      #expect(try SampleTrace(reading: folder.file("a.reprise")).steps == trace.steps)
    }
    #expect(try folder.contents() == ["a.reprise", "a.reprise.partial"])
  }

  @Test("a repair never writes over the damaged trace, by whatever name it is called")
  func ontoItself() throws {
    try folder.link("link.reprise", to: folder.file("a.reprise.partial"))
    for output in ["a.reprise.partial", "./a.reprise.partial", "link.reprise"] {
      let error = #expect(throws: TraceFileError.self) {
        try TraceRepair.repair(path: folder.file("a.reprise.partial"), to: folder.file(output))
      }
      #expect(error?.message.contains("the damaged trace itself") == true)
      #expect(try folder.bytes(of: "a.reprise.partial") == partial)
    }
    #expect(try folder.contents() == ["a.reprise.partial", "link.reprise"])
  }

  @Test("what another repair is writing is left alone")
  func twoRepairs() throws {
    let other = try folder.write([1, 2, 3], to: "a.reprise.repairing")
    let error = #expect(throws: TraceFileError.self) {
      try TraceRepair.repair(
        path: folder.file("a.reprise.partial"), to: folder.file("a.reprise"))
    }
    #expect(error?.message == "'\(other)': is there already; remove it or write elsewhere")
    #expect(try folder.contents() == ["a.reprise.partial", "a.reprise.repairing"])
  }

  @Test("a whole trace is saved whole")
  func whole() throws {
    try trace.write(to: folder.file("b.reprise"), flushEvery: 7)
    let bytes = try folder.bytes(of: "b.reprise")
    let saved = try #require(try repaired(bytes))
    #expect(saved.trace == trace)
    #expect(saved.report.lostBytes.rawValue == 0)
    #expect(try folder.bytes(of: "repaired.reprise") == bytes)
  }

  @Test("a damaged chunk of steps becomes a counted gap, wherever it is hit")
  func damagedSteps() throws {
    let ends = try ends()
    for hit in ends.indices.filter({ ends[$0].kind == .steps }).prefix(2) {
      try expectGap(ends, hit)
    }
  }

  private func expectGap(
    _ ends: [(offset: Int, kind: ChunkKind?, steps: Int)], _ hit: Int
  ) throws {
    let lost = ends[hit - 1].steps..<ends[hit].steps
    for place in ends[hit - 1].offset..<ends[hit].offset {
      var damaged = partial
      damaged[place] ^= 0x10
      let saved = try #require(try repaired(damaged), "byte \(place)")
      let kept = trace.steps[..<lost.lowerBound] + trace.steps[lost.upperBound...]
      #expect(saved.trace.steps == Array(kept))
      #expect(saved.report.lostSteps == lost.count, "byte \(place)")
      let gap = TraceGap(
        afterStep: trace.steps[..<lost.lowerBound].last?.number ?? -1,
        droppedSteps: Int64(lost.count))
      #expect(saved.trace.gaps == [gap])
    }
  }

  @Test("nothing is saved behind a damaged chunk of requests, whose places rows need")
  func damagedRequests() throws {
    let ends = try ends()
    let hit = try #require(ends.indices.dropFirst(3).first { ends[$0].kind == .requests })
    var damaged = partial
    damaged[ends[hit].offset - 1] ^= 1
    let saved = try #require(try repaired(damaged))
    #expect(saved.trace.steps == Array(trace.steps[..<ends[hit].steps]))
  }

  @Test("without a header nothing can be saved, and nothing is left behind")
  func noHeader() throws {
    var damaged = partial
    damaged[FileHead.byteCount + ChunkHeader.byteCount + 2] ^= 1
    #expect(try repaired(damaged) == nil)
    #expect(try folder.contents() == ["a.reprise.partial", "damaged"])
  }
}
