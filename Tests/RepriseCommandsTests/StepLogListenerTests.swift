import FoundationEssentials
import Glibc
import TestSupport
import Testing

@Suite("Listening for step logs")
struct StepLogListenerTests {
  let folder: TemporaryDirectory
  let binary: String
  let socketPath: String
  let sample = Array(StepLogSample().text.utf8)

  init() throws {
    folder = try TemporaryDirectory()
    binary = try #require(BinaryTests.find(), "build the product first")
    socketPath = folder.file("socket")
  }

  /// Starts a listener and waits until it listens.
  private func listen(_ name: String, _ more: String...) throws -> RunningProcess {
    let process = try Subprocess.spawn(
      binary, ["record", "--listen", socketPath, "--output", folder.file("traces")] + more,
      output: folder.file("\(name).output"), errors: folder.file("\(name).errors"))
    waitUntil { (try? folder.text(of: "\(name).errors"))?.contains("listening on") == true }
    return process
  }

  /// Waits, for as long as a loaded machine may need, until something holds.
  private func waitUntil(_ holds: () -> Bool) {
    for _ in 0..<3000 where !holds() { usleep(10_000) }
    #expect(holds())
  }

  private func isWhole(_ name: String) -> Bool { folder.has("traces/\(name).reprise") }

  @Test("many connections that say nothing do not keep others from being recorded")
  func idle() throws {
    let process = try listen("first")
    let idle = try (0..<24).map { _ in try UNIXClient(path: socketPath) }
    let started = ContinuousClock.now
    for _ in 0..<8 { try UNIXClient(path: socketPath).write(sample) }
    waitUntil { (25...32).allSatisfy { isWhole("connection-00\($0)") } }
    // A queue that adds a thread a second would take half a minute.
    #expect(started.duration(to: .now) < .seconds(15))
    process.signal(SIGTERM)
    _ = process.wait()
    withExtendedLifetime(idle) {}
  }

  @Test("a second listener is refused, unseen by the first, and leaves it its socket")
  func second() throws {
    let first = try listen("first")
    let second = try Subprocess.run(
      binary, ["record", "--listen", socketPath, "--output", folder.file("others")])
    #expect(second.exitCode == 1)
    #expect(second.errors.contains("somebody listens on '\(socketPath)'"), "\(second.errors)")
    try UNIXClient(path: socketPath).write(sample)
    waitUntil { isWhole("connection-0001") }
    first.signal(SIGTERM)
    #expect(first.wait() == 0)
    #expect(!folder.has("socket"))
  }

  @Test("a dead listener's socket is taken over; one that took its place is left alone")
  func stale() throws {
    let dead = try listen("dead")
    dead.signal(SIGKILL)
    _ = dead.wait()
    #expect(folder.has("socket"))
    let first = try listen("first")
    #expect(unsafe unlink(socketPath) == 0)
    let second = try listen("second")
    first.signal(SIGTERM)
    #expect(first.wait() == 0)
    #expect(folder.has("socket"), "the second listener's socket")
    second.signal(SIGTERM)
    #expect(second.wait() == 0)
    #expect(!folder.has("socket"))
  }

  @Test("names of unfinished recordings are not used again")
  func partialNames() throws {
    try FileManager.default.createDirectory(
      atPath: folder.file("traces"), withIntermediateDirectories: true)
    _ = try folder.write([1, 2, 3], to: "traces/connection-0001.reprise.partial")
    let process = try listen("first", "--max-connections", "1")
    try UNIXClient(path: socketPath).write(sample)
    #expect(process.wait() == 0)
    #expect(isWhole("connection-0002"))
    #expect(try folder.bytes(of: "traces/connection-0001.reprise.partial") == [1, 2, 3])
  }

  @Test("a bad line ends one recording with what precedes it, and others go on")
  func badLine() throws {
    let process = try listen("first", "--max-connections", "2")
    try UNIXClient(path: socketPath).write(sample + Array("{\"kind\":\"step\"}\n".utf8) + sample)
    waitUntil { isWhole("connection-0001") }
    try UNIXClient(path: socketPath).write(sample)
    #expect(process.wait() == 0)
    #expect(isWhole("connection-0002"))
    let errors = try folder.text(of: "first.errors")
    #expect(errors.contains("connection-0001.reprise has what precedes it"), "\(errors)")
    let exported = try Subprocess.run(
      binary,
      [
        "trace", "export", folder.file("traces/connection-0001.reprise"), "--format",
        "steps-jsonl",
      ])
    #expect(Array(exported.output.utf8) == sample)
  }
}

/// A connection to a UNIX socket, open until it is dropped.
final class UNIXClient {
  private let descriptor: Int32

  init(path: String) throws {
    descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    unsafe withUnsafeMutableBytes(of: &address.sun_path) {
      unsafe $0.copyBytes(from: Array(path.utf8))
    }
    let status = unsafe withUnsafePointer(to: &address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    try #require(status == 0, "nobody listens on \(path)")
  }

  deinit { close(descriptor) }

  /// Sends all bytes.
  func write(_ bytes: [UInt8]) throws {
    var sent = 0
    while sent < bytes.count {
      let count = unsafe bytes[sent...].withUnsafeBytes {
        unsafe send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      guard count > 0 else { return }
      sent += count
    }
  }
}
