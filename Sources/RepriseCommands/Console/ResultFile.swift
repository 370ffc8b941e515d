import Glibc

/// A file of results that appears under its name only when it is whole.
///
/// Bytes go to `NAME.partial` beside it; `finish` renames, dropping it removes what was written.
struct ResultFile: ~Copyable {
  private let path: String
  private let partialPath: String
  private let descriptor: Int32
  private var isFinished = false

  /// Starts a file, which replaces one of the same name in the end.
  init(path: String) throws(CommandError) {
    let partial = path + ".partial"
    let opened = partial.withCStringPath { path in
      unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    }
    guard opened >= 0 else {
      throw .failed(
        "cannot create '\(partial)': \(systemMessage(errno)); choose a directory you may write to")
    }
    self.path = path
    partialPath = partial
    descriptor = opened
  }

  deinit {
    guard !isFinished else { return }
    close(descriptor)
    _ = partialPath.withCStringPath { unsafe unlink($0) }
  }

  /// Takes all bytes.
  func write(_ bytes: Span<UInt8>) throws(CommandError) {
    do throws(OutputError) {
      try DescriptorSink(descriptor: descriptor).write(bytes)
    } catch {
      throw .failed("cannot write '\(path)': \(error.reason); free some space or write elsewhere")
    }
  }

  /// Gives the file its name.
  consuming func finish() throws(CommandError) {
    isFinished = true
    let closed = close(descriptor)
    let renamed = partialPath.withCStringPath { partial in
      path.withCStringPath { path in unsafe rename(partial, path) }
    }
    guard closed == 0, renamed == 0 else {
      let reason = systemMessage(errno)
      _ = partialPath.withCStringPath { unsafe unlink($0) }
      throw .failed("cannot write '\(path)': \(reason); free some space or write elsewhere")
    }
  }

  /// Makes a directory with its parents; one that exists is fine.
  static func makeDirectory(_ path: String) throws(CommandError) {
    var prefix = path.hasPrefix("/") ? "/" : ""
    for part in path.split(separator: "/") {
      prefix += part
      let made = prefix.withCStringPath { unsafe mkdir($0, 0o755) }
      guard made == 0 || errno == EEXIST else {
        throw .failed(
          "cannot create the directory '\(prefix)': \(systemMessage(errno)); "
            + "choose one you may write to")
      }
      prefix += "/"
    }
  }
}

extension String {
  /// Calls the system with this text as a C string.
  func withCStringPath<Result>(_ body: (UnsafePointer<CChar>) -> Result) -> Result {
    unsafe withCString { unsafe body($0) }
  }
}
