import Glibc

/// Where a command's bytes go: a file descriptor of the process, or memory in a test.
public protocol OutputSink: AnyObject, Sendable {
  /// Takes all bytes, or throws why it could not.
  func write(_ bytes: Span<UInt8>) throws(OutputError)
  /// Whether a person reads it at a terminal.
  var isTerminal: Bool { get }
}

/// Why output could not be written.
public enum OutputError: Error, Hashable, Sendable {
  /// The reader went away, as `head` does: no failure of ours.
  case closedPipe
  /// The system refused, with its error number.
  case refused(errno: Int32)
}

/// A file descriptor that this process was given, such as standard output.
public final class DescriptorSink: OutputSink {
  private let descriptor: Int32

  /// Writes to an open descriptor, which stays open.
  public init(descriptor: Int32) { self.descriptor = descriptor }

  /// Whether the descriptor is a terminal.
  public var isTerminal: Bool { isatty(descriptor) == 1 }

  /// Writes until all is taken; a call that was interrupted is repeated.
  public func write(_ bytes: Span<UInt8>) throws(OutputError) {
    var written = 0
    while written < bytes.count {
      let rest = bytes.extracting(written..<bytes.count)
      let count = unsafe rest.withUnsafeBytes {
        unsafe Glibc.write(descriptor, $0.baseAddress, $0.count)
      }
      if count >= 0 {
        written += count
      } else if errno == EPIPE {
        throw .closedPipe
      } else if errno != EINTR {
        throw .refused(errno: errno)
      }
    }
  }
}

extension OutputError {
  /// The system's words for why.
  var reason: String {
    switch self {
    case .closedPipe: "the reader closed it"
    case .refused(let number): systemMessage(number)
    }
  }
}

/// The system's words for one of its error numbers.
func systemMessage(_ number: Int32) -> String {
  unsafe strerror(number).map { unsafe String(cString: $0) } ?? "error \(number)"
}
