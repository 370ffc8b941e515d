import MeasurementStore
import TestSupport
import Testing
import TraceModel

@Suite("Stores merge")
struct MergeTests {
  let folder: TemporaryDirectory

  init() throws { folder = try TemporaryDirectory() }

  /// A store of measurements drawn from few keys, so that stores overlap.
  private func makeStore(
    _ name: String, _ generator: inout some RandomNumberGenerator
  ) throws -> String {
    let path = folder.file(name)
    let store = try MeasurementStore(path: path)
    for _ in 0..<20 {
      let key = StoreFixtures.key(.random(in: 0..<6, using: &generator))
      let statuses: [MeasurementStatus] = [
        .partial, .complete, .failed(reason: "a"), .failed(reason: "b"),
      ]
      let set = StoreFixtures.samples(
        .random(in: 0..<3, using: &generator), second: .random(in: 0..<3, using: &generator))
      try store.append(
        Bool.random(using: &generator) ? set : nil, to: key,
        status: statuses[.random(in: 0..<4, using: &generator)])
    }
    return path
  }

  @Test("any order of merging gives the same bytes, and merging twice adds nothing")
  func order() throws {
    let seed = UInt64.random(in: 0...UInt64.max)
    var generator = SplitMix(state: seed)
    for round in 0..<8 {
      let sources = try (0..<3).map { try makeStore("\(round)-\($0)", &generator) }
      var exports: [String] = []
      for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0, 1]] {
        let path = folder.file("\(round)-merged-\(exports.count)")
        let store = try MeasurementStore(path: path)
        for source in order { try store.merge(from: sources[source]) }
        let again = try store.merge(from: sources[0])
        #expect(again.measurementsAdded == 0 && again.sampleSetsAdded == 0, "seed \(seed)")
        exports.append(try StoreFixtures.export(store))
      }
      #expect(exports[0] == exports[1] && exports[1] == exports[2], "seed \(seed)")
      #expect(!exports[0].isEmpty)
    }
  }

  @Test("a merge says what it brought")
  func report() throws {
    try StoreFixtures.write(folder.file("a"), first: 0, count: 5)
    try StoreFixtures.write(folder.file("b"), first: 3, count: 4)
    let store = try MeasurementStore(path: folder.file("a"))
    let report = try store.merge(from: folder.file("b"))
    #expect(report.measurementsAdded == 2)
    #expect(report.sampleSetsAdded == 2)
    #expect(try store.counts() == (7, 7))
  }

  @Test("a store whose batches are not what their keys say is refused, and nothing of it kept")
  func conflict() throws {
    try StoreFixtures.write(folder.file("good"), first: 0, count: 1)
    try StoreFixtures.write(folder.file("bad"), first: 0, count: 3)
    // The text changed behind its key's back; as long, so that the file stays whole.
    let change = "UPDATE batch SET text = replace(text, 'rows=0', 'rows=9')"
    let sqlite = try Subprocess.run(
      "python3",
      [
        "-c",
        "import sqlite3,sys; c=sqlite3.connect(sys.argv[1]); c.execute(sys.argv[2]); c.commit()",
        folder.file("bad"), change,
      ])
    #expect(sqlite.exitCode == 0, "\(sqlite.errors)")
    let bad = try MeasurementStore(path: folder.file("bad"))
    let conflict = try #require(throws: MeasurementStoreError.self) {
      try bad.measurement(for: StoreFixtures.key(0))
    }
    #expect(conflict.message.contains("another batch under the key of"))
    // Merging goes by texts, so what was changed comes over under its true key.
    let store = try MeasurementStore(path: folder.file("good"))
    try store.merge(from: folder.file("bad"))
    #expect(try store.measurement(for: StoreFixtures.key(9)) != nil)
    let into = try #require(throws: MeasurementStoreError.self) {
      try bad.merge(from: folder.file("good"))
    }
    guard case .conflict = into.kind else {
      Issue.record("\(into.message)")
      return
    }
    #expect(into.path == folder.file("bad"))
    #expect(try bad.counts() == (3, 3))
  }

  @Test("other programs find a batch by the SHA-256 of its text, whatever its length")
  func digests() throws {
    let path = folder.file("lengths")
    do {
      let store = try MeasurementStore(path: path)
      try store.append(
        contentsOf: (1...140).map { length in
          var key = StoreFixtures.key(1)
          key.batch = BatchKey(text: String(repeating: "r", count: length))
          return Measurement(key: key, sampleSets: [], status: .partial)
        })
    }
    let check = """
      import hashlib, sqlite3, sys
      rows = sqlite3.connect(sys.argv[1]).execute("SELECT key, text FROM batch").fetchall()
      print(len(rows), all(hashlib.sha256(text.encode()).digest() == key for key, text in rows))
      """
    let python = try Subprocess.run("python3", ["-c", check, path])
    #expect(python.output == "140 True\n", "\(python.errors)")
  }

  @Test("a merge with what is no store names that file")
  func notAStore() throws {
    let store = try MeasurementStore(path: folder.file("a"))
    let other = try folder.write("not a database at all".utf8, to: "b")
    let error = try #require(throws: MeasurementStoreError.self) { try store.merge(from: other) }
    #expect(error == MeasurementStoreError(.notAStore, path: other))
    #expect(throws: MeasurementStoreError.self) { try store.merge(from: folder.file("absent")) }
  }
}

/// A generator with a seed (SplitMix64), so that a failing round can be run again.
struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var word = state
    word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
    word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
    return word ^ (word >> 31)
  }
}
