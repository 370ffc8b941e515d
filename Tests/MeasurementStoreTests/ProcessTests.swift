import Glibc
import MeasurementStore
import Synchronization
import TestSupport
import Testing
import TraceModel

@Suite("Processes share a store, and their ends lose nothing")
struct ProcessTests {
  let folder: TemporaryDirectory
  var path: String { folder.file("store.sqlite") }

  init() throws { folder = try TemporaryDirectory() }

  @Test("two processes that begin and write one store at once lose nothing of either")
  func twoProcesses() async throws {
    async let first: Void = {
      await #expect(processExitsWith: .success) { [path = path as String] in
        try StoreFixtures.write(path, first: 0, count: 100)
      }
    }()
    async let second: Void = {
      await #expect(processExitsWith: .success) { [path = path as String] in
        try StoreFixtures.write(path, first: 50, count: 100)
      }
    }()
    _ = await (first, second)
    let store = try MeasurementStore(path: path, mode: .readOnly)
    #expect(try store.counts() == (150, 150))
    try store.verify()
  }

  @Test("a process killed within a transaction takes back that transaction alone")
  func killedWithinTransaction() async throws {
    await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String] in
      try StoreFixtures.write(path, first: 0, count: 7)
      let store = try MeasurementStore(path: path)
      let many = (100..<5000).map { number in
        Measurement(
          key: StoreFixtures.key(Int32(number)),
          sampleSets: [StoreFixtures.samples(Int64(number))], status: .complete)
      }
      ProcessTests.killWhen { ProcessTests.size(of: "\(path)-wal") > 200_000 }
      // Too much for SQLite's cache, so that parts of it reach the file before the end.
      while true { try store.append(contentsOf: many) }
    }
    let store = try MeasurementStore(path: path)
    try store.verify()
    let counts = try store.counts()
    #expect(counts == (7, 7) || counts == (4907, 4907))
    for number in 0..<7 {
      #expect(try store.measurement(for: StoreFixtures.key(Int32(number)))?.status == .complete)
    }
  }

  @Test("a process killed at any time loses nothing that an append returned from")
  func killedAtAnyTime() async throws {
    for round in 0..<3 {
      let path = folder.file("store-\(round)")
      let log = folder.file("log-\(round)")
      await #expect(processExitsWith: .signal(SIGKILL)) {
        [path = path as String, log = log as String, round = round as Int] in
        let store = try MeasurementStore(path: path)
        let descriptor = unsafe open(log, O_WRONLY | O_CREAT | O_APPEND, 0o644)
        let bytes = 20 + 37 * round
        ProcessTests.killWhen { ProcessTests.size(of: log) > bytes }
        var number: Int32 = 0
        while true {
          try store.append(
            StoreFixtures.samples(Int64(number)), to: StoreFixtures.key(number), status: .complete)
          // One byte for each append that returned.
          var byte: UInt8 = 1
          unsafe write(descriptor, &byte, 1)
          number += 1
        }
      }
      let returned = Self.size(of: log)
      #expect(returned > 20)
      let store = try MeasurementStore(path: path)
      try store.verify()
      for number in 0..<returned {
        #expect(try store.measurement(for: StoreFixtures.key(Int32(number))) != nil, "\(number)")
      }
    }
  }

  @Test("a full disk is told, keeps what was there and takes more once there is room")
  func fullDisk() async throws {
    try StoreFixtures.write(path, first: 0, count: 5)
    await #expect(processExitsWith: .success) { [path = path as String] in
      // A limit on the size of files stands in for the disk; the signal would end the process.
      signal(SIGXFSZ, SIG_IGN)
      try #require(ProcessTests.limitFileSize(200_000))
      let error = #expect(throws: MeasurementStoreError.self) {
        try StoreFixtures.write(path, first: 100, count: 5000)
      }
      #expect(error?.kind == .diskFull, "\(error?.message ?? "")")
    }
    let store = try MeasurementStore(path: path)
    try store.verify()
    #expect(try store.counts().measurements > 5)
    for number in 0..<5 {
      #expect(try store.measurement(for: StoreFixtures.key(Int32(number)))?.status == .complete)
    }
    let before = try store.counts().measurements
    try store.append(StoreFixtures.samples(1), to: StoreFixtures.key(99_999), status: .complete)
    #expect(try store.counts().measurements == before + 1)
  }

  @Test("a writer that waits in vain says that another process holds the store")
  func busy() throws {
    let first = try MeasurementStore(path: path)
    try first.append(StoreFixtures.samples(1), to: StoreFixtures.key(1), status: .complete)
    let second = try MeasurementStore(path: path, busyMilliseconds: 1)
    let holder = try Subprocess.spawn(
      "python3",
      [
        "-c",
        "import sqlite3,sys; c=sqlite3.connect(sys.argv[1],isolation_level=None); "
          + "c.execute('BEGIN IMMEDIATE'); print('held',flush=True); sys.stdin.read()",
        path,
      ], input: fifo(), output: folder.file("held"), errors: folder.file("errors"))
    defer {
      holder.signal(SIGKILL)
      _ = holder.wait()
    }
    while Self.size(of: folder.file("held")) == 0 { usleep(1000) }
    let error = try #require(throws: MeasurementStoreError.self) {
      try second.append(StoreFixtures.samples(1), to: StoreFixtures.key(2), status: .complete)
    }
    #expect(error == MeasurementStoreError(.busy, path: path))
    // Readers do not wait.
    #expect(try second.counts().measurements == 1)
  }

  /// A pipe that never ends, so that a process that reads it stays.
  private func fifo() throws -> String {
    let path = folder.file("fifo")
    unsafe mkfifo(path, 0o600)
    // Held open for writing too, so that opening it for reading does not wait.
    _ = unsafe open(path, O_RDWR)
    return path
  }

  /// Kills this process from a thread of its own as soon as `condition` holds.
  static func killWhen(_ condition: @escaping @Sendable () -> Bool) {
    let thread = Thread(condition)
    var identifier = pthread_t()
    unsafe pthread_create(
      &identifier, nil,
      { argument in
        guard let argument = unsafe argument else { return nil }
        let thread = unsafe Unmanaged<Thread>.fromOpaque(argument).takeRetainedValue()
        while !thread.condition() { sched_yield() }
        kill(getpid(), SIGKILL)
        return nil
      }, unsafe Unmanaged.passRetained(thread).toOpaque())
  }

  private final class Thread {
    let condition: @Sendable () -> Bool
    init(_ condition: @escaping @Sendable () -> Bool) { self.condition = condition }
  }

  static func limitFileSize(_ bytes: UInt) -> Bool {
    var limit = rlimit(rlim_cur: bytes, rlim_max: bytes)
    return unsafe setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0
  }

  static func size(of path: String) -> Int {
    var status = stat()
    return unsafe stat(path, &status) == 0 ? Int(status.st_size) : 0
  }
}
