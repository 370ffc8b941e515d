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
    let opened = FileSystem.create(partial)
    guard opened.value >= 0 else {
      throw .failed(
        "cannot create '\(partial)': \(opened.reason); choose a directory you may write to")
    }
    self.path = path
    partialPath = partial
    descriptor = opened.value
  }

  deinit {
    guard !isFinished else { return }
    close(descriptor)
    FileSystem.remove(partialPath)
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
    let closed = SystemResult(close(descriptor))
    let renamed = FileSystem.rename(partialPath, to: path)
    guard closed.value == 0, renamed.value == 0 else {
      FileSystem.remove(partialPath)
      let reason = closed.value == 0 ? renamed.reason : closed.reason
      throw .failed("cannot write '\(path)': \(reason); free some space or write elsewhere")
    }
  }
}
