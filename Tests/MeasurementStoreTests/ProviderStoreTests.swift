import KernelSelection
import MeasurementStore
import TestSupport
import Testing
import TraceModel

/// The store has two writers, in Swift and in Python (`reprise_providers`), that share no code.
@Suite("A store is the same to the program and to providers of kernels")
struct ProviderStoreTests {
  let folder: TemporaryDirectory

  init() throws { folder = try TemporaryDirectory() }

  /// Runs Python beside the providers' package, with a store's path as its argument.
  private func python(_ lines: String, _ path: String...) throws -> String {
    let package = RepositoryFile.path("Sources/KernelProviders")
    let head = """
      import sqlite3, sys
      sys.path.insert(0, "\(package)")
      from pathlib import Path
      from reprise_providers.store import *

      """
    let result = try Subprocess.run("python3", ["-c", head + lines] + path)
    #expect(result.exitCode == 0, "\(result.errors)")
    return result.output
  }

  private static let text = StoreFixtures.key(4096).batch.text
  private static let writing = """
    key = Key(
        Machine("NVIDIA Fake 200", 132, "580.1"), "5eed", "triton-2d",
        "\(text)")
    store = Store(Path(sys.argv[1]))

    """

  @Test("what a provider writes is read here with every field, and added to")
  func fromPython() throws {
    let path = folder.file("python.sqlite")
    _ = try python(
      Self.writing + """
        store.append(key, PARTIAL)
        store.append(key, COMPLETE, Samples([1000, 1003], "2026-11-21T10:25:07Z", 1980, 3201, 0))
        other = Key(key.machine, key.image, key.variant, key.batch, "warm", False)
        store.append(other, FAILED, reason="no memory")
        store.close()
        """, path)
    let store = try MeasurementStore(path: path)
    try store.verify()
    let read = try #require(try store.measurement(for: StoreFixtures.key(4096)))
    #expect(read.status == .complete)
    #expect(
      read.sampleSets == [
        SampleSet(
          samples: [Nanoseconds(1000), Nanoseconds(1003)], smMegahertz: 1980, memoryMegahertz: 3201,
          throttleReasons: 0, date: "2026-11-21T10:25:07Z")
      ])
    var warm = StoreFixtures.key(4096, cache: .warm)
    warm.state = MeasuredState(cache: .warm, inGraph: false)
    #expect(try store.measurement(for: warm)?.status == .failed(reason: "no memory"))
    // The same set is the same to both.
    try store.append(
      SampleSet(
        samples: [Nanoseconds(1000), Nanoseconds(1003)], smMegahertz: 1980, memoryMegahertz: 3201,
        throttleReasons: 0, date: "2026-11-21T10:25:07Z"),
      to: StoreFixtures.key(4096), status: .complete)
    #expect(try store.counts() == (2, 1))
  }

  @Test("what is written here is known to a provider, which adds to it")
  func fromSwift() throws {
    let path = folder.file("swift.sqlite")
    do {
      let store = try MeasurementStore(path: path)
      try store.append(
        StoreFixtures.samples(1000, 1001), to: StoreFixtures.key(4096), status: .partial)
    }
    let output = try python(
      Self.writing + """
        print(store.status(key))
        store.append(key, COMPLETE, Samples([1000, 1001], "2026-11-21T10:25:00Z", 1980, 3201, 0))
        store.append(key, COMPLETE, Samples([999], "2026-11-21T10:25:01Z"))
        print(store.status(key))
        store.close()
        """, path)
    #expect(output == "1\n2\n")
    let store = try MeasurementStore(path: path)
    try store.verify()
    #expect(try store.counts() == (1, 2))
    let read = try #require(try store.measurement(for: StoreFixtures.key(4096)))
    #expect(read.sampleSets.map(\.samples.count) == [2, 1])
    #expect(read.sampleSets.last?.smMegahertz == nil)
  }

  @Test("both make the same tables under the same numbers")
  func schema() throws {
    let (here, there) = (folder.file("swift.sqlite"), folder.file("python.sqlite"))
    _ = try MeasurementStore(path: here)
    let output = try python(
      """
      Store(Path(sys.argv[2])).close()
      for path in sys.argv[1:]:
          database = sqlite3.connect(path)
          print([database.execute(f"PRAGMA {name}").fetchone() for name in ("application_id", "user_version")])
          for (sql,) in database.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name"):
              print(" ".join(sql.split()))
      """, here, there)
    let lines = output.split(separator: "\n").map(String.init)
    #expect(lines.count == 12)
    #expect(lines.prefix(6) == lines.suffix(6))
  }
}
