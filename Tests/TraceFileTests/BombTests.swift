import Testing
import TestSupport
import TraceModel

@testable import TraceFile

@Suite("Claims that a file's size does not justify are not believed")
struct BombTests {
  let folder: TemporaryDirectory

  init() throws { folder = try TemporaryDirectory() }

  /// The error of reading a trace of one request with a chunk as given.
  private func error(
    _ kind: ChunkKind, bytes: [UInt8], items: Int, first: Int = 0
  ) throws -> String {
    let path = folder.file("bomb.reprise")
    var writer = try ChunkFileWriter(path: path)
    try writer.put(.metadata, bytes: Array("{}".utf8), itemCount: 1, firstItem: 0)
    if kind != .requests {
      let request = TraceRequest(
        id: RequestID(0), arrival: .zero, promptTokens: TokenCount(1 << 29),
        outputTokens: TokenCount(1 << 29))
      try writer.put(
        .requests, content: RequestCoding.content(of: [request]), itemCount: 1, firstItem: 0)
    }
    try writer.put(kind, bytes: bytes, itemCount: items, firstItem: first)
    try writer.finish()
    return #expect(throws: TraceFileError.self) { try SampleTrace(reading: path) }?.message ?? ""
  }

  private func error(_ kind: ChunkKind, content: ChunkContent, items: Int) throws -> String {
    try error(kind, bytes: content.assembled().bytes, items: items)
  }

  /// Content with one stream of varints.
  private func stream(_ column: UInt64, _ numbers: UInt64..., flags: [UInt64] = []) -> ChunkContent
  {
    var content = ChunkContent()
    content.add(column: 1, flags, planesMin: 1)
    var writer = ByteWriter()
    for number in numbers { writer.unsigned(number) }
    content.add(column: column, bytes: writer.bytes)
    return content
  }

  @Test("items without bytes")
  func items() throws {
    let nothing = ChunkContent()
    #expect(try error(.requests, content: nothing, items: 65_536).contains("not believed"))
    #expect(try error(.requests, content: nothing, items: 70_000).contains("not believed"))
    #expect(try error(.gaps, content: nothing, items: 60_000).contains("not believed"))
    #expect(try error(.prefixBlocks, content: nothing, items: 60_000).contains("not believed"))
    #expect(try error(.steps, content: nothing, items: 16_384).contains("flags is missing"))
    #expect(try error(.steps, content: nothing, items: 16_385).contains("not believed"))
  }

  @Test("a committed corrupt file is refused, as by the Python reader", arguments: ["ends"])
  func committed(name: String) {
    let path = RepositoryFile.path("Tests/TraceFileTests/Corrupt/\(name).reprise")
    let error = #expect(throws: TraceFileError.self) { try SampleTrace(reading: path) }
    #expect(error?.message.contains("not believed") == true)
  }

  @Test("prefix blocks without bytes")
  func prefixBlocks() throws {
    var content = ChunkContent()
    content.add(column: PrefixCoding.counts, signed: [1 << 20])
    content.add(column: PrefixCoding.runs, bytes: [1])
    #expect(try error(.prefixBlocks, content: content, items: 1).contains("1048576 prefix blocks"))
    content = ChunkContent()
    content.add(parameter: PrefixCoding.blockTokens, 1)
    content.add(column: PrefixCoding.runs, bytes: [1])
    #expect(try error(.prefixBlocks, content: content, items: 1).contains("prefix blocks"))
    content = ChunkContent()
    content.add(column: PrefixCoding.counts, signed: [5])
    content.add(column: PrefixCoding.runs, bytes: [4 * 6 + 1])
    #expect(try error(.prefixBlocks, content: content, items: 1).contains("longer than"))
    content = ChunkContent()
    content.add(column: PrefixCoding.counts, signed: [5])
    content.add(column: PrefixCoding.runs, bytes: [0])
    #expect(try error(.prefixBlocks, content: content, items: 1).contains("nothing followed"))
    let two = ChunkContent()
    #expect(try error(.prefixBlocks, content: two, items: 2).contains("not in the trace"))
  }

  @Test("scripts and lists that promise more than there is")
  func scripts() throws {
    let rows: [UInt64] = [StepFlags.rows.rawValue]
    let much: UInt64 = 1 << 40
    for (content, words) in [
      (stream(10, much, flags: rows), "edits of rows"),
      (stream(10, 0, much, flags: rows), "rows appended"),
      (stream(10, 0, 65_536, flags: rows), "ends inside a number"),
      (stream(10, 1, much, flags: rows), "as an edit of rows"),
      (stream(10, 1, 4, flags: rows), "behind the last row"),
      (stream(10, 1, 0, flags: rows), "behind the last row"),
      (stream(10, 0, 1, 4, flags: rows), "not in the trace"),
      (stream(10, 0, 1, 1, 1, 0, flags: rows), "out of range"),
      (stream(10, much, flags: [StepFlags.finished.rawValue]), "requests in a list"),
      (stream(10, 1, 2, flags: [StepFlags.preempted.rawValue]), "not in the trace"),
      (stream(10, .max, flags: [StepFlags.number.rawValue]), "number is out of range"),
      (stream(10, 0, flags: [64]), "events behind"),
      (stream(10, 0, flags: [1 << 10]), "unknown flags"),
      (stream(3, 0, flags: [0]), "wrong form"),
    ] {
      let message = try error(.steps, content: content, items: 1)
      #expect(message.contains(words), "\(message)")
    }
  }

  @Test("columns that promise more than there is")
  func columns() throws {
    func bytes(_ numbers: UInt64...) -> [UInt8] {
      var writer = ByteWriter()
      for number in numbers { writer.unsigned(number) }
      return writer.bytes
    }
    for (content, words) in [
      (bytes(65), "65 parameters"), (bytes(0, 65), "65 columns"),
      (bytes(0, 1, 1, 8), "cut short"), (bytes(0, 1, 10, 9, 1 << 60), "bytes in a column"),
      (bytes(0, 1, 10, 9, 5, 1), "cut short"), (bytes(0, 0, 7), "behind the last column"),
      (bytes(1, 3), "ends inside"), (Array(repeating: 0xff, count: 12), "more than 64 bits"),
    ] {
      let message = try error(.steps, bytes: content, items: 3)
      #expect(message.contains(words), "\(message)")
    }
  }

  @Test("a frame that is larger than its chunk says, or does not say")
  func frames() throws {
    guard let compressor = ZstdCompressor() else {
      Issue.record("no compressor")
      return
    }
    let large = [UInt8](repeating: 0, count: 1 << 22)
    var frame = try compressor.frame(of: large.span)
    try #require(frame.count < 1 << 12)
    #expect(try message(frame, contentBytes: UInt32(large.count)).contains("not believed"))
    for claimed in [0, 2, UInt32(frame.count * 1024)] {
      #expect(try message(frame, contentBytes: claimed).contains("does not state the size"))
    }
    // A frame of an unknown size: single-segment and size flags cleared, a window byte in place of sizes.
    frame = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x58, 0x19, 0x00, 0x00, 0x7b, 0x7d, 0x20]
    #expect(try message(frame, contentBytes: 3).contains("does not state the size"))
    #expect(try message([], contentBytes: 0).contains("does not state the size"))
  }

  /// The error of a trace whose header is this payload.
  private func message(_ payload: [UInt8], contentBytes: UInt32) throws -> String {
    let path = folder.file("frame.reprise")
    var writer = try ChunkFileWriter(path: path)
    let header = ChunkHeader(
      kind: ChunkKind.metadata.rawValue, payloadBytes: UInt32(payload.count),
      contentBytes: contentBytes, itemCount: 1, firstItem: 0,
      payloadChecksum: CRC32C.checksum(payload.span))
    try writer.put(header, payload, times: 0...0)
    try writer.finish()
    return #expect(throws: TraceFileError.self) { try TraceReader(path: path) }?.message ?? ""
  }

  @Test("a tower of brackets in the header")
  func nestedHeader() throws {
    let path = folder.file("deep.reprise")
    var writer = try ChunkFileWriter(path: path)
    let text = [UInt8](repeating: UInt8(ascii: "["), count: 1 << 20)
    try writer.put(.metadata, bytes: text, itemCount: 1, firstItem: 0)
    try writer.finish()
    let error = #expect(throws: TraceFileError.self) { try TraceReader(path: path) }
    #expect(error?.message.contains("not JSON") == true)
  }

  @Test("more rows than anyone would wait for")
  func rows() throws {
    // One script of 65,536 rows, which then go on by themselves: each step costs a byte of flags.
    let count = 65_536
    var content = ChunkContent()
    content.add(column: 1, [1] + Array(repeating: 0, count: 299), planesMin: 1)
    // The first row is of request 0; each other of the request before, again.
    var writer = ByteWriter()
    writer.unsigned(0)
    writer.unsigned(UInt64(count))
    for place in 0..<count { writer.unsigned(Int64(place == 0 ? 0 : -1).zigzag * 2) }
    content.add(column: 10, bytes: writer.bytes)
    content.add(parameter: 5, 1)
    let message = try error(.steps, content: content, items: 300)
    #expect(message.contains("16842752 rows in a chunk"), "\(message)")
  }

  @Test("times of a GPU that no step took")
  func gpuTimes() throws {
    let without: UInt64 = StepFlags.noOutput.rawValue | StepFlags.noForwardTime.rawValue
    for units in [Int64(1) << 34, -(1 << 34), 1 << 50] {
      var content = ChunkContent()
      content.add(column: StepColumn.flags.rawValue, [without], planesMin: 1)
      content.add(column: StepColumn.gpuTime.rawValue, signed: [units])
      let message = try error(.steps, content: content, items: 1)
      #expect(message.contains("a GPU time is out of range"), "\(message)")
    }
  }

  @Test("more steps that are missing than can be counted count as the most")
  func missingSteps() throws {
    let path = folder.file("gaps.reprise")
    var trace = SampleTrace()
    trace.header = SampleTrace.sampleHeader
    trace.gaps = (0..<5).map {
      TraceGap(afterStep: $0, droppedSteps: TraceFileLimits.stepNumberMax)
    }
    try trace.write(to: path)
    let totals = try TraceReader(path: path).totals()
    #expect(totals.gaps == 5 && totals.droppedSteps == .max)
    #expect(try TraceVerification.verify(path: path).droppedSteps == .max)
  }

  @Test("a second header, and one that does not come first")
  func headers() throws {
    #expect(try error(.metadata, bytes: Array("{}".utf8), items: 1).contains("one header"))
    let path = folder.file("late.reprise")
    var writer = try ChunkFileWriter(path: path)
    try writer.put(
      .gaps, content: GapCoding.content(of: [.init(afterStep: 1, droppedSteps: 1)]), itemCount: 1,
      firstItem: 0)
    try writer.put(.metadata, bytes: Array("{}".utf8), itemCount: 1, firstItem: 0)
    try writer.finish()
    let error = #expect(throws: TraceFileError.self) { try TraceReader(path: path) }
    #expect(error?.message.contains("one header") == true)
  }
}
