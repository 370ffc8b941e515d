import Testing
import TestSupport
import TraceModel

@testable import TraceFile

@Suite("Damaged files end in an error")
struct CorruptionTests {
  let folder: TemporaryDirectory
  let trace: SampleTrace
  let bytes: [UInt8]

  init() throws {
    folder = try TemporaryDirectory()
    trace = SampleTrace(
      .init(requests: 6, stepsMax: 25, oddOneIn: 12, hasPrefixBlocks: true), seed: 3)
    try trace.write(to: folder.file("a.reprise"), flushEvery: 10)
    bytes = try folder.bytes(of: "a.reprise")
  }

  /// Reads damaged bytes; `nil` where that threw one line about the file.
  private func read(_ bytes: [UInt8]) throws -> SampleTrace? {
    let path = try folder.write(bytes, to: "damaged.reprise")
    do {
      return try SampleTrace(reading: path)
    } catch let error as TraceFileError {
      #expect(error.message.contains(path) && !error.message.contains("\n"), "\(error.message)")
      return nil
    }
  }

  @Test("every flipped byte is found, or makes no difference")
  func flipped() throws {
    for place in bytes.indices {
      for mask: UInt8 in [0x01, 0x80, 0xff] {
        var damaged = bytes
        damaged[place] ^= mask
        let read = try read(damaged)
        #expect(read == nil || read == trace, "byte \(place) ^ \(mask)")
      }
    }
  }

  @Test("every cut is found")
  func truncated() throws {
    for count in bytes.indices {
      #expect(try read(Array(bytes[..<count])) == nil, "cut after \(count) bytes")
    }
  }

  @Test("bytes more or fewer anywhere are found")
  func shifted() throws {
    for place in stride(from: 0, to: bytes.count, by: 7) {
      let front = Array(bytes[..<place])
      #expect(try read(front + [0] + bytes[place...]) == nil, "one more at \(place)")
      #expect(try read(front + bytes[(place + 1)...]) == nil, "one fewer at \(place)")
    }
    #expect(try read(bytes + [0]) == nil)
    #expect(try read(bytes + bytes) == nil)
  }

  @Test("an error names the chunk and where it starts")
  func place() throws {
    let reader = try TraceReader(path: folder.file("a.reprise"))
    let (place, entry) = try #require(reader.index.chunks(of: .steps).dropFirst().first)
    var damaged = bytes
    damaged[Int(entry.offset) + ChunkHeader.byteCount + 3] ^= 4
    let path = try folder.write(damaged, to: "damaged.reprise")
    var error = #expect(throws: TraceFileError.self) { try SampleTrace(reading: path) }
    #expect(error?.chunk == place && error?.offset == entry.offset)
    #expect(error?.message.contains("chunk \(place), byte \(entry.offset)") == true)
    error = #expect(throws: TraceFileError.self) { try TraceVerification.verify(path: path) }
    #expect(error?.chunk == place)
  }

  @Test("files that are no traces are told from damaged ones")
  func foreign() throws {
    func kind(_ bytes: [UInt8]) throws -> TraceFileError.Kind? {
      let path = try folder.write(bytes, to: "foreign")
      return #expect(throws: TraceFileError.self) { try TraceReader(path: path) }?.kind
    }
    #expect(try kind([]) == .notATrace)
    #expect(try kind(Array("{\"kind\":\"header\"}\n".utf8)) == .notATrace)
    #expect(try kind(Array(repeating: 0, count: 4096)) == .notATrace)
    #expect(try kind(Array(bytes[..<100])) == .unfinished)
    let missing = #expect(throws: TraceFileError.self) {
      try TraceReader(path: folder.file("nothing"))
    }
    #expect(missing?.message.contains("No such file") == true)
    let directory = #expect(throws: TraceFileError.self) { try TraceReader(path: folder.path) }
    #expect(directory?.message.contains("ordinary file") == true)
  }
}
