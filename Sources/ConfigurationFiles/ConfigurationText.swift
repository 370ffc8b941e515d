import Glibc

/// Reads a configuration file whole, but never more of it than a configuration has.
enum ConfigurationText {
  /// The file's bytes; a device or pipe without end is cut off by the bound, too.
  static func read(_ path: String) throws(ConfigurationError) -> [UInt8] {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw unreadable(path) }
    defer { close(descriptor) }
    let capacity = ConfigurationLimits.documentBytesMax + 1
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 14)
    while bytes.count < capacity {
      let count = unsafe buffer.withUnsafeMutableBytes {
        unsafe Glibc.read(descriptor, $0.baseAddress, $0.count)
      }
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw unreadable(path) }
      guard count > 0 else { return bytes }
      bytes += buffer.prefix(count)
    }
    throw ConfigurationError(
      .tooLarge(bytesMax: ConfigurationLimits.documentBytesMax), path: path)
  }

  private static func unreadable(_ path: String) -> ConfigurationError {
    let reason = unsafe String(cString: strerror(errno))
    return ConfigurationError(.unreadable(reason: reason.lowercased()), path: path)
  }
}
