import TestSupport
import Testing
import TraceImport
import TraceModel

/// Mutated files must end in an error or in a sound result, never in a trap.
struct FuzzTests {
  private static let seed: UInt64 = 0x5EED_2026
  private static let rounds = 3000

  @Test("Mutated step logs throw or are read", arguments: [seed])
  func stepLogs(seed: UInt64) throws {
    var mutation = Mutation(seed: seed)
    let original = Array(StepLogs.canonical.utf8)
    var read = 0
    for _ in 0..<Self.rounds {
      let bytes = mutation.mutate(original)
      guard let log = try? StepLogContents(bytes: bytes, pieceMax: 64) else { continue }
      read += 1
      for step in log.steps {
        #expect(step.scheduleEnd >= step.scheduleStart)
        for row in step.rows { #expect(Int(row.request) < log.requests.count) }
      }
      // What was read can be written, and reads the same again.
      let again = try StepLogContents(log.text)
      #expect(again.steps == log.steps && again.requests == log.requests)
    }
    #expect(
      read > 0 && read < Self.rounds, "seed \(seed): mutations must not be all good or all bad")
  }

  @Test("Mutated forward-pass metrics throw or are read")
  func forwardPasses() throws {
    var mutation = Mutation(seed: Self.seed)
    let sample = try RepositoryFile.text("Tests/TraceImportTests/Fixtures/dynamo_fpm.jsonl")
    let original = Array(sample.split(separator: "\n").prefix(4).joined(separator: "\n").utf8)
    var read = 0
    for _ in 0..<Self.rounds {
      let source = BytesInMemory(mutation.mutate(original))
      guard let run = try? DynamoFPMReader.read(source, name: "fuzz") else { continue }
      read += 1
      for step in run.steps {
        for row in step.rows { #expect(Int(row.request) < run.requests.count) }
      }
      #expect(run.requests.allSatisfy { $0.promptTokens > .zero && $0.outputTokens > .zero })
    }
    #expect(read > 0 && read < Self.rounds)
  }

  @Test("Mutated workloads throw or are read", arguments: WorkloadFormat.allCases)
  func workloads(format: WorkloadFormat) {
    var mutation = Mutation(seed: Self.seed)
    let original = Array(Workloads.text(format).utf8)
    var read = 0
    for _ in 0..<Self.rounds {
      let bytes = mutation.mutate(original)
      guard let workload = try? format.read(bytes, name: "fuzz") else { continue }
      read += 1
      let arrivals = workload.requests.map(\.arrival)
      #expect(arrivals == arrivals.sorted())
      #expect(workload.requests.allSatisfy { $0.promptTokens > .zero && $0.outputTokens > .zero })
    }
    #expect(
      read > 0 && read < Self.rounds, "seed \(Self.seed): mutations must not be all good or all bad"
    )
  }
}

/// Small seeded damage: flipped, dropped, doubled and foreign bytes, cut ends, swapped stretches.
struct Mutation {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  private mutating func below(_ bound: Int) -> Int {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Int((state >> 33) % UInt64(max(1, bound)))
  }

  /// Bytes that mean something to one of the grammars.
  private static let telling = Array("{}[]\",:-+.eE0919\\n\r\n u\0\u{7F}tfn".utf8) + [0xFF, 0xC0]

  mutating func mutate(_ original: [UInt8]) -> [UInt8] {
    var bytes = original
    for _ in 0...below(3) where !bytes.isEmpty {
      let place = below(bytes.count)
      switch below(6) {
      case 0: bytes[place] ^= 1 << below(8)
      case 1: bytes[place] = Self.telling[below(Self.telling.count)]
      case 2: bytes.insert(Self.telling[below(Self.telling.count)], at: place)
      case 3: bytes.removeSubrange(place..<min(bytes.count, place + 1 + below(8)))
      case 4:
        let end = min(bytes.count, place + 1 + below(40))
        bytes.insert(contentsOf: Array(bytes[place..<end]), at: below(bytes.count))
      default: if below(4) == 0 { bytes.removeSubrange(place...) }
      }
    }
    return bytes
  }
}
