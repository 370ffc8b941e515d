import Testing
import TestSupport
import TraceModel

@testable import TraceFile

@Suite("Older and newer files")
struct VersionTests {
  let folder: TemporaryDirectory
  let trace = SampleTrace(.init(requests: 5, stepsMax: 20), seed: 2)

  init() throws { folder = try TemporaryDirectory() }

  @Test("a newer version of the format is refused with advice")
  func newer() throws {
    try trace.write(to: folder.file("a.reprise"))
    var head = ByteWriter()
    head.append(FileHead.magic)
    head.fixed(FileHead.version + 1)
    head.fixed(CRC32C.checksum(head.bytes.span))
    let bytes = try folder.bytes(of: "a.reprise")
    let path = try folder.write(head.bytes + bytes[head.bytes.count...], to: "newer.reprise")
    let error = #expect(throws: TraceFileError.self) { try TraceReader(path: path) }
    #expect(error?.kind == .newerVersion(2))
    #expect(error?.message.contains("use a newer reprise") == true)
  }

  @Test("chunks of unknown kinds are skipped, but verified and repaired")
  func unknownChunk() throws {
    var writer = try ChunkFileWriter(path: folder.file("b.reprise"))
    try copy(to: &writer) { $0 }
    let payload: [UInt8] = [1, 2, 3]
    let header = ChunkHeader(
      kind: 99, payloadBytes: 3, contentBytes: 5, itemCount: 1_000_000, firstItem: 0,
      payloadChecksum: CRC32C.checksum(payload.span))
    try writer.put(header, payload, times: 0...0)
    try writer.finish()
    #expect(try SampleTrace(reading: folder.file("b.reprise")) == trace)
    #expect(try TraceVerification.verify(path: folder.file("b.reprise")).steps == 20)
    let report = try TraceRepair.repair(
      path: folder.file("b.reprise"), to: folder.file("c.reprise"))
    #expect(report.lostBytes.rawValue == 0)
    #expect(try folder.bytes(of: "b.reprise") == folder.bytes(of: "c.reprise"))
  }

  @Test("unknown columns and parameters are skipped")
  func unknownColumns() throws {
    var writer = try ChunkFileWriter(path: folder.file("b.reprise"))
    try copy(to: &writer) { content in
      var content = content
      content.add(parameter: 40, -7)
      content.add(column: 41, bytes: [1, 2, 3])
      return content
    }
    try writer.finish()
    #expect(try SampleTrace(reading: folder.file("b.reprise")) == trace)
    #expect(try TraceVerification.verify(path: folder.file("b.reprise")).requests == 5)
  }

  /// Writes the trace's chunks, each with its content changed.
  private func copy(
    to writer: inout ChunkFileWriter, _ change: (ChunkContent) -> ChunkContent
  ) throws {
    try writer.put(
      .metadata, bytes: Array(JSONValue.object(trace.header.members).text().utf8), itemCount: 1,
      firstItem: 0)
    try writer.put(
      .requests, content: change(RequestCoding.content(of: trace.requests)),
      itemCount: trace.requests.count, firstItem: 0)
    let lengths = trace.requests.map {
      RequestLengths(promptTokens: $0.promptTokens, outputTokens: $0.outputTokens)
    }
    var encoder = StepEncoder(tokenBudget: 64, kvBlockSize: 16)
    for step in trace.steps { encoder.append(step, lengths) }
    let starts = trace.steps.map(\.scheduleStart.rawValue)
    try writer.put(
      .steps, content: change(StepChunkLayout(encoder).content()), itemCount: trace.steps.count,
      firstItem: 0, times: (starts.min() ?? 0)...(starts.max() ?? 0))
  }
}
