import Testing
import TestSupport
import TraceModel

@testable import TraceFile

/// Damage behind right checksums: what a hostile writer can do.
@Suite("Mutated contents end in an error or in a sound trace")
struct MutationTests {
  /// A chunk before compression.
  struct Part {
    var kind: ChunkKind
    var content: [UInt8]
    var header: ChunkHeader
    var times: ClosedRange<Int64>
  }

  let folder: TemporaryDirectory
  let parts: [Part]

  init() throws {
    folder = try TemporaryDirectory()
    let path = folder.file("a.reprise")
    let recipe = SampleTrace.Recipe(
      requests: 9, stepsMax: 40, oddOneIn: 20, unit: 100, hasPrefixBlocks: true)
    try SampleTrace(recipe, seed: 17).write(to: path, flushEvery: 20)
    let reader = try TraceReader(path: path)
    parts = try reader.index.entries.enumerated().map { place, entry in
      try reader.chunks.decode(place, entry) { header, content throws(Corruption) in
        Part(
          kind: ChunkKind(rawValue: header.kind) ?? .metadata, content: content, header: header,
          times: entry.times)
      }
    }
  }

  /// Writes the parts as a trace of right checksums.
  private func write(_ parts: [Part]) throws -> String {
    let path = folder.file("mutated.reprise")
    var writer = try ChunkFileWriter(path: path)
    for part in parts {
      try writer.put(
        part.kind, bytes: part.content, itemCount: Int(part.header.itemCount),
        firstItem: Int(part.header.firstItem), payloadBytesMin: Int(part.header.payloadBytes),
        times: part.times)
    }
    try writer.finish()
    return path
  }

  /// One to four bytes changed, put in, or taken out.
  private func mutate(_ bytes: inout [UInt8], _ dice: inout SeededDice) {
    for _ in 0...dice.roll(0...3) {
      let place = Int(dice.next() % UInt64(max(1, bytes.count)))
      switch dice.roll(0...5) {
      case 0 where !bytes.isEmpty: bytes.remove(at: place)
      case 1: bytes.insert(dice.roll(0...255), at: min(place, bytes.count))
      case 2 where !bytes.isEmpty: bytes[place] = [0, 1, 0x7f, 0x80, 0xff][dice.roll(0...4)]
      case 3 where !bytes.isEmpty: bytes[place] &+= 1
      default: if !bytes.isEmpty { bytes[place] ^= 1 << dice.roll(0...7) }
      }
    }
    if bytes.isEmpty { bytes = [0] }
  }

  @Test("seeded mutations of every kind of chunk", arguments: SeededDice.seeds(8))
  func mutations(seed: UInt64) throws {
    var dice = SeededDice(seed: seed)
    var outcomes = (read: 0, refused: 0)
    for _ in 0..<150 {
      var parts = parts
      let place = Int(dice.next() % UInt64(parts.count))
      mutate(&parts[place].content, &dice)
      let path = try write(parts)
      do {
        let trace = try SampleTrace(reading: path)
        outcomes.read += 1
        // What verification lets through can be written again and means the same.
        guard (try? TraceVerification.verify(path: path)) != nil else { continue }
        try trace.write(to: folder.file("again.reprise"))
        #expect(try SampleTrace(reading: folder.file("again.reprise")) == trace, "seed \(seed)")
      } catch let error as TraceFileError {
        outcomes.refused += 1
        #expect(error.chunk != nil && error.offset != nil, "seed \(seed): \(error.message)")
      }
    }
    #expect(outcomes.read > 0 && outcomes.refused > 0, "seed \(seed): \(outcomes)")
  }

  @Test("the parts, unchanged, are the trace")
  func unchanged() throws {
    let path = try write(parts)
    #expect(try SampleTrace(reading: path) == SampleTrace(reading: folder.file("a.reprise")))
  }

  @Test("an index of random bytes is refused or accounts for every byte")
  func index() throws {
    for seed in SeededDice.seeds(400) {
      var dice = SeededDice(seed: seed)
      let bytes = (0..<dice.roll(1...30)).map { _ in dice.roll(UInt8(0)...UInt8(60)) }
      guard let index = try? TraceIndex(content: bytes, fileEnd: 1000) else { continue }
      let size = index.entries.reduce(UInt64(FileHead.byteCount)) { $0 + $1.byteCount }
      #expect(size == 1000, "seed \(seed)")
    }
  }
}
