import Glibc
import MeasurementStore
import TestSupport
import Testing
import TraceModel

@Suite("Damaged, foreign and absent files end in an error that says what to do")
struct DamageTests {
  let folder: TemporaryDirectory
  var path: String { folder.file("store.sqlite") }

  init() throws { folder = try TemporaryDirectory() }

  @Test("an absent file, or one in an absent folder, cannot be opened for reading")
  func absent() throws {
    for path in [path, folder.file("no/store")] {
      let error = try #require(throws: MeasurementStoreError.self) {
        _ = try MeasurementStore(path: path, mode: .readOnly)
      }
      #expect(error.message.hasPrefix("\(path): cannot open ("), "\(error.message)")
    }
    #expect(throws: MeasurementStoreError.self) {
      _ = try MeasurementStore(path: folder.file("no/store"))
    }
    #expect(try folder.contents() == [])
  }

  @Test("a file of another kind is refused and left as it is")
  func foreign() throws {
    let text = [UInt8]("{\"kind\":\"header\"}\n".utf8) + [UInt8](repeating: 10, count: 4096)
    let other = try folder.write(text, to: "log.jsonl")
    for mode in [MeasurementStore.Mode.readOnly, .readWrite] {
      let error = try #require(throws: MeasurementStoreError.self) {
        _ = try MeasurementStore(path: other, mode: mode)
      }
      #expect(error.kind == .notAStore)
    }
    #expect(try folder.bytes(of: "log.jsonl") == text)
  }

  @Test("a database of another program, or of a later version, is refused and left as it is")
  func otherDatabase() throws {
    try StoreFixtures.write(path, first: 0, count: 1)
    let bytes = try folder.bytes(of: "store.sqlite")
    for (offset, kind): (Int, MeasurementStoreError.Kind) in [
      (68, .notAStore), (60, .newerVersion(0x7F00_0001)),
    ] {
      // The header has the application id at 68 and the user version at 60, most significant first.
      var changed = bytes
      changed[offset] = 0x7F
      let other = try folder.write(changed, to: "other")
      for mode in [MeasurementStore.Mode.readOnly, .readWrite] {
        let error = try #require(throws: MeasurementStoreError.self) {
          _ = try MeasurementStore(path: other, mode: mode)
        }
        #expect(error.kind == kind)
      }
      #expect(try folder.bytes(of: "other") == changed)
    }
  }

  @Test("a store cut off anywhere, or with any page overwritten, never crashes its reader")
  func damaged() throws {
    try StoreFixtures.write(path, first: 0, count: 60)
    let bytes = try folder.bytes(of: "store.sqlite")
    let whole = try StoreFixtures.export(path: path)
    var refused = 0
    var cases: [[UInt8]] = []
    for cut in stride(from: 1, to: bytes.count, by: 2048) { cases.append(Array(bytes[..<cut])) }
    for page in stride(from: 0, to: bytes.count, by: 4096) {
      for offset in [0, 3, 5, 100, 2048] {
        var changed = bytes
        for place in page + offset..<min(page + offset + 64, bytes.count) { changed[place] ^= 0xFF }
        cases.append(changed)
      }
    }
    for damaged in cases {
      let other = try folder.write(damaged, to: "damaged")
      do {
        let store = try MeasurementStore(path: other, mode: .readOnly)
        try store.verify()
        #expect(try StoreFixtures.export(store).isEmpty == false)
      } catch let error as MeasurementStoreError {
        refused += 1
        #expect(error.path == other)
      }
    }
    #expect(refused > cases.count / 2, "\(refused) of \(cases.count)")
    #expect(try StoreFixtures.export(path: path) == whole)
  }

  @Test("a damaged page is found by verification and named")
  func verification() throws {
    try StoreFixtures.write(path, first: 0, count: 200)
    var bytes = try folder.bytes(of: "store.sqlite")
    for place in bytes.count - 4096..<bytes.count { bytes[place] = 0xEE }
    let other = try folder.write(bytes, to: "other")
    let error = try #require(throws: MeasurementStoreError.self) {
      try MeasurementStore(path: other, mode: .readOnly).verify()
    }
    #expect(error.message.hasPrefix("\(other): damaged ("), "\(error.message)")
  }

  @Test("a store opened for reading takes no writes")
  func readOnly() throws {
    try StoreFixtures.write(path, first: 0, count: 1)
    let store = try MeasurementStore(path: path, mode: .readOnly)
    let error = try #require(throws: MeasurementStoreError.self) {
      try store.append(StoreFixtures.samples(1), to: StoreFixtures.key(5), status: .complete)
    }
    #expect(error == MeasurementStoreError(.readOnly, path: path))
  }

  @Test("a user who may not write a store can read it, and is told when writing")
  func forbidden() async throws {
    try StoreFixtures.write(path, first: 0, count: 3)
    unsafe chmod(path, 0o444)
    unsafe chmod(folder.path, 0o555)
    defer { unsafe chmod(folder.path, 0o755) }
    await #expect(processExitsWith: .success) { [path = path as String] in
      // Root may write everything, so give that up first.
      if geteuid() == 0 { try #require(setuid(65534) == 0) }
      let store = try MeasurementStore(path: path, mode: .readOnly)
      #expect(try store.counts() == (3, 3))
      let error = try #require(throws: MeasurementStoreError.self) {
        _ = try MeasurementStore(path: path)
      }
      #expect(error.kind == .readOnly)
    }
  }
}
