import Glibc
import TraceImport

/// Files and pipes that commands read.
enum InputFile {
  /// Opens a file for reading; `-` is standard input.
  static func open(_ path: String) throws(CommandError) -> DescriptorSource {
    guard path != "-" else { return DescriptorSource(descriptor: 0, name: "standard input") }
    let descriptor = path.withCStringPath { unsafe Glibc.open($0, O_RDONLY | O_CLOEXEC) }
    guard descriptor >= 0 else {
      throw .failed("cannot open '\(path)': \(systemMessage(errno)); check the path")
    }
    return DescriptorSource(descriptor: descriptor, name: path)
  }

  /// All bytes of a file; `-` is standard input.
  static func bytes(path: String) throws -> [UInt8] {
    var source = try open(path)
    defer { source.close() }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: Limits.inputPieceBytes)
    while true {
      var span = piece.mutableSpan
      let count = try source.read(into: &span)
      guard count > 0 else { return bytes }
      bytes.append(contentsOf: piece[..<count])
      guard bytes.count <= Limits.importBytesMax else {
        throw CommandError.failed(
          "'\(path)' has more than \(Limits.importBytesMax >> 30) GiB; split it into parts")
      }
    }
  }
}

/// An open descriptor as a source of bytes: a file, a pipe or a socket.
///
/// Ends when the descriptor does, or when the process is asked to stop.
struct DescriptorSource: ByteSource {
  let descriptor: Int32
  /// What errors call it.
  let name: String

  /// How long a wait may last before a request to stop is looked for.
  private static let patienceMilliseconds: Int32 = 200

  mutating func read(into buffer: inout MutableSpan<UInt8>) throws(TraceImportError) -> Int {
    while true {
      // Asked to stop, what a pipe holds already is still taken.
      let isStopping = StopSignal.isRaised
      var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      let ready = unsafe poll(&entry, 1, isStopping ? 0 : Self.patienceMilliseconds)
      guard ready != 0 else {
        if isStopping { return 0 }
        continue
      }
      let count = unsafe buffer.withUnsafeMutableBytes {
        unsafe Glibc.read(descriptor, $0.baseAddress, $0.count)
      }
      if count >= 0 { return count }
      guard errno == EINTR || errno == EAGAIN else {
        throw TraceImportError(
          .unreadable, source: name, reason: "cannot be read: \(systemMessage(errno))")
      }
    }
  }

  /// Closes the descriptor, except standard input.
  func close() {
    if descriptor > 2 { _ = Glibc.close(descriptor) }
  }
}
