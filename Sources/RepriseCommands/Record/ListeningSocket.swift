import Glibc

/// A UNIX socket that listens under a path; dropped, it takes its name away, if that is still its own.
struct ListeningSocket: ~Copyable {
  let descriptor: Int32
  private let path: String
  /// The file that is the name, whose number is not used again while the socket is open.
  private let identity: FileIdentity?

  /// Listens under a path that nobody else listens on; what a dead listener left there is replaced.
  init(path: String) throws(CommandError) {
    let bytes = Array(path.utf8)
    guard !bytes.isEmpty, bytes.count <= Limits.socketPathBytesMax else {
      throw .usage(
        "socket path '\(path)' must have 1 to \(Limits.socketPathBytesMax) bytes; "
          + "choose a shorter one")
    }
    try Self.removeStale(path)
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    let bound = unsafe Self.call(bind, descriptor, path)
    guard descriptor >= 0, bound.value == 0, listen(descriptor, 16) == 0 else {
      let reason = bound.value == 0 ? systemMessage(errno) : bound.reason
      if descriptor >= 0 { close(descriptor) }
      throw .failed("cannot listen on '\(path)': \(reason); choose a path you may write to")
    }
    self.descriptor = descriptor
    self.path = path
    identity = FileSystem.identity(ofName: path)
  }

  deinit {
    if let identity, FileSystem.identity(ofName: path) == identity { FileSystem.remove(path) }
    close(descriptor)
  }

  /// Removes a socket that nobody listens on any more; anything else under the name stays.
  ///
  /// A datagram socket asks: a live listener refuses it for its kind, and sees no connection.
  private static func removeStale(_ path: String) throws(CommandError) {
    guard FileSystem.isSocket(path) else { return }
    let probe = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
    defer { if probe >= 0 { close(probe) } }
    let connected = unsafe call(connect, probe, path)
    guard connected.value != 0, connected.number == ECONNREFUSED else {
      throw .failed("somebody listens on '\(path)'; end that listener or choose another path")
    }
    FileSystem.remove(path)
  }

  private static func call(
    _ function: (Int32, UnsafePointer<sockaddr>?, socklen_t) -> Int32, _ descriptor: Int32,
    _ path: String
  ) -> SystemResult {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    unsafe withUnsafeMutableBytes(of: &address.sun_path) {
      unsafe $0.copyBytes(from: Array(path.utf8))
    }
    let length = socklen_t(MemoryLayout<sockaddr_un>.size)
    return unsafe withUnsafePointer(to: &address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        SystemResult(unsafe function(descriptor, $0, length))
      }
    }
  }
}
