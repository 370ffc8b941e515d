import FoundationEssentials
import Glibc

/// A folder that lasts as long as this value.
public final class TemporaryDirectory: Sendable {
  /// Its path.
  public let path: String

  /// Makes a folder of its own under the system's place for such.
  public init() throws {
    var template = Array("/tmp/reprise-test-XXXXXX".utf8CString)
    guard unsafe mkdtemp(&template) != nil else { throw POSIXFailure(number: errno) }
    path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// The path of a file in it.
  public func file(_ name: String) -> String { "\(path)/\(name)" }

  /// Writes a file in it and gives its path.
  public func write(_ bytes: some Sequence<UInt8>, to name: String) throws -> String {
    try Data(bytes).write(to: URL(filePath: file(name)))
    return file(name)
  }

  /// Whether it has a file of this name.
  public func has(_ name: String) -> Bool { FileManager.default.fileExists(atPath: file(name)) }

  /// Makes a name in it that stands for another path.
  public func link(_ name: String, to path: String) throws {
    try FileManager.default.createSymbolicLink(
      atPath: file(name), withDestinationPath: path)
  }

  /// Names of what is in it, sorted.
  public func contents() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: path).sorted()
  }

  /// A file's bytes.
  public func bytes(of name: String) throws -> [UInt8] {
    Array(try Data(contentsOf: URL(filePath: file(name))))
  }

  /// A file's text.
  public func text(of name: String) throws -> String {
    String(decoding: try bytes(of: name), as: UTF8.self)
  }
}

/// A call of the system that failed.
public struct POSIXFailure: Error, CustomStringConvertible {
  /// The system's error number.
  public let number: Int32
  /// The system's words.
  public var description: String {
    unsafe strerror(number).map { unsafe String(cString: $0) } ?? "error \(number)"
  }
}
