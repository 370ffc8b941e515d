import TestSupport
import Testing
import TraceModel

@testable import TraceFile

@Suite("A damaged trace")
struct TraceDamageTests {
  let folder: TemporaryDirectory
  let path: String
  let bytes: [UInt8]
  let contents: TraceContents

  init() throws {
    folder = try TemporaryDirectory()
    path = folder.file("whole.reprise")
    let trace = RandomTrace(seed: 11, requestCount: 6, stepCount: 24)
    try trace.write(to: path, stepsPerChunk: 9)
    bytes = try folder.bytes(of: "whole.reprise")
    contents = TraceContents(trace)
  }

  /// What reading the bytes gives: the contents, or the error's line.
  private func read(_ bytes: [UInt8]) throws -> TraceContents? {
    let damaged = try folder.write(bytes, to: "damaged.reprise")
    do {
      let contents = try TraceContents(path: damaged)
      _ = try TraceVerification.verify(path: damaged)
      return contents
    } catch let error as TraceFileError {
      #expect(error.message.contains("damaged.reprise"))
      #expect(!error.message.contains("\n"))
      return nil
    }
  }

  @Test("with any one byte changed is refused, or gives the same values")
  func flipped() throws {
    var refused = 0
    for index in bytes.indices {
      for mask: UInt8 in [0x01, 0x80, 0xff] {
        var damaged = bytes
        damaged[index] ^= mask
        if let read = try read(damaged) {
          #expect(read == contents, "byte \(index)")
        } else {
          refused += 1
        }
      }
    }
    #expect(refused > bytes.count * 3 * 9 / 10)
  }

  @Test("cut at any byte is refused with a way out")
  func truncated() throws {
    for count in 0..<bytes.count { #expect(try read(Array(bytes[..<count])) == nil, "\(count)") }
  }

  @Test("names the chunk and the byte that are wrong")
  func names() throws {
    let reader = try TraceReader(path: path)
    let (place, entry) = try #require(reader.index.chunks(of: .steps).first)
    var damaged = bytes
    damaged[Int(entry.offset) + ChunkHeader.byteCount + 3] ^= 1
    let file = try folder.write(damaged, to: "damaged.reprise")
    let error = #expect(throws: TraceFileError.self) { _ = try TraceContents(path: file) }
    #expect(error?.chunk == place)
    #expect(error?.offset == entry.offset)
    #expect(error?.message.contains("checksum") == true)
  }

  @Test("that claims more than its bytes justify is refused before anything is allocated")
  func bomb() throws {
    for claim: UInt32 in [.max, UInt32(TraceFileLimits.contentBytesMax), 2 << 20] {
      var writer = ByteWriter()
      writer.append(FileHead.bytes)
      ChunkHeader(
        kind: ChunkKind.metadata.rawValue, payloadBytes: 4, contentBytes: claim, itemCount: 1,
        firstItem: 0, payloadChecksum: CRC32C.checksum([1, 2, 3, 4].span)
      ).write(to: &writer)
      writer.append([1, 2, 3, 4])
      let header = Array(writer.bytes[FileHead.byteCount..<FileHead.byteCount + 40])
      #expect(throws: Corruption.self) { _ = try ChunkHeader(header) }
    }
  }

  @Test("of another kind is told apart from a trace")
  func foreign() throws {
    for text in ["", "{}", "PK\u{3}\u{4}zip", "{\"kind\":\"header\"}"] {
      let file = try folder.write(text.utf8, to: "foreign.reprise")
      let error = #expect(throws: TraceFileError.self) { _ = try TraceReader(path: file) }
      #expect(error?.kind == .notATrace, "\(text)")
    }
  }

  @Test("of a newer version is refused by its number")
  func newer() throws {
    var damaged = bytes
    damaged[8] = 2
    var writer = ByteWriter()
    writer.fixed(CRC32C.checksum(Array(damaged[..<12]).span))
    damaged.replaceSubrange(12..<16, with: writer.bytes)
    let file = try folder.write(damaged, to: "newer.reprise")
    let error = #expect(throws: TraceFileError.self) { _ = try TraceReader(path: file) }
    #expect(error?.kind == .newerVersion(2))
  }

  @Test("that is missing or no file is one line")
  func missing() {
    for path in [folder.file("nowhere.reprise"), folder.path] {
      let error = #expect(throws: TraceFileError.self) { _ = try TraceReader(path: path) }
      #expect(error?.message.contains(path) == true)
    }
  }
}
