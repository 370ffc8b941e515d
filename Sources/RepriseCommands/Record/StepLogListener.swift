import Dispatch
import Glibc
import Synchronization

/// Takes step logs from a UNIX socket: each connection becomes one trace in a directory.
struct StepLogListener {
  let socketPath: String
  let directory: String
  let connectionsMax: Int?
  let console: Console

  /// How long to wait for a connection before a request to stop is looked for.
  private static let patienceMilliseconds: Int32 = 200

  /// Serves until it is asked to stop or has had its connections; then ends those still open with
  /// what has arrived.
  func run() throws {
    try FileSystem.makeDirectory(directory)
    let listener = try ListeningSocket(path: socketPath)
    console.note("listening on \(socketPath)")
    let connections = OpenConnections()
    let group = DispatchGroup()
    var accepted = 0
    var nextNumber = 1
    while !StopSignal.isRaised, accepted < connectionsMax ?? .max {
      guard let descriptor = try nextConnection(listener.descriptor, connections) else {
        continue
      }
      accepted += 1
      let path = freeName(from: &nextNumber)
      connections.add(descriptor)
      let isServed = ConnectionThread.start(in: group) {
        record(descriptor, to: path, connections)
        connections.remove(descriptor)
      }
      if !isServed {
        console.note("\(path): no thread for the connection; allow more processes and threads")
        connections.fail()
        connections.remove(descriptor)
      }
    }
    if StopSignal.isRaised { connections.endReading() }
    group.wait()
    guard connections.failures == 0 else {
      throw CommandError.failed(
        "\(connections.failures) of \(accepted) connections gave no trace; see the lines above")
    }
  }

  private func nextConnection(
    _ listener: Int32, _ connections: OpenConnections
  ) throws(CommandError) -> Int32? {
    var entry = pollfd(fd: listener, events: Int16(POLLIN), revents: 0)
    guard unsafe poll(&entry, 1, Self.patienceMilliseconds) > 0 else { return nil }
    guard connections.count < Limits.connectionsMax else {
      usleep(useconds_t(Self.patienceMilliseconds) * 1000)
      return nil
    }
    let descriptor = accept(listener, nil, nil)
    guard descriptor >= 0 || errno == EINTR || errno == ECONNABORTED else {
      throw .failed("cannot accept on '\(socketPath)': \(systemMessage(errno)); start it again")
    }
    return descriptor >= 0 ? descriptor : nil
  }

  /// `connection-0001.reprise` and so on, leaving out names of traces, whole or unfinished.
  private func freeName(from number: inout Int) -> String {
    while true {
      let digits = String(number)
      let padded = String(repeating: "0", count: max(0, 4 - digits.count)) + digits
      let path = "\(directory)/connection-\(padded).reprise"
      number += 1
      if !FileSystem.exists(path), !FileSystem.exists(path + ".partial") { return path }
    }
  }

  private func record(_ descriptor: Int32, to path: String, _ connections: OpenConnections) {
    let source = DescriptorSource(descriptor: descriptor, name: path)
    do {
      let totals = try StepLogRecording(path: path, isLive: true)
        .run(source, name: "connection for '\(path)'")
      for note in totals.notes { console.note("\(path): \(note)") }
      if let fault = totals.fault { console.note("\(fault); \(path) has what precedes it") }
      try console.print("\(path): \(totals.words)\n")
    } catch {
      connections.fail()
      console.note((error as? any OneLineError)?.message ?? "\(path): \(error)")
    }
  }
}

/// The connections that are being read, from any thread.
private final class OpenConnections: Sendable {
  private struct State {
    var descriptors: [Int32] = []
    var failures = 0
  }
  private let state = Mutex(State())

  var count: Int { state.withLock { $0.descriptors.count } }
  var failures: Int { state.withLock { $0.failures } }
  func fail() { state.withLock { $0.failures += 1 } }
  func add(_ descriptor: Int32) { state.withLock { $0.descriptors.append(descriptor) } }

  /// Closes one, under the lock, so that `endReading` never meets a number used again.
  func remove(_ descriptor: Int32) {
    state.withLock { state in
      state.descriptors.removeAll { $0 == descriptor }
      close(descriptor)
    }
  }

  /// Makes every reader see the end of its stream.
  func endReading() {
    state.withLock { state in
      for descriptor in state.descriptors { shutdown(descriptor, Int32(SHUT_RD)) }
    }
  }
}
