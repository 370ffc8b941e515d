import Glibc
import TraceFile

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
    do throws(PartialFile.Failure) {
      descriptor = try PartialFile.create(partial)
    } catch {
      throw Self.failure(error, partial)
    }
    self.path = path
    partialPath = partial
  }

  private static func failure(_ failure: PartialFile.Failure, _ partial: String) -> CommandError {
    switch failure {
    case .isBeingWritten: .failed("'\(partial)': \(PartialFile.isBeingWritten)")
    case .system(let number):
      .failed(
        "cannot create '\(partial)': \(systemMessage(number)); choose a directory you may write to")
    }
  }

  deinit {
    if !isFinished { FileSystem.remove(partialPath) }
    close(descriptor)
  }

  /// Takes all bytes.
  func write(_ bytes: Span<UInt8>) throws(CommandError) {
    do throws(OutputError) {
      try DescriptorSink(descriptor: descriptor).write(bytes)
    } catch {
      throw .failed("cannot write '\(path)': \(error.reason); free some space or write elsewhere")
    }
  }

  /// Gives the file its name, while it is still this run's alone.
  consuming func finish() throws(CommandError) {
    // Some file systems say only now that they are full.
    let written = SystemResult(fsync(descriptor))
    let isWritten = written.value == 0 || [EINVAL, EROFS].contains(written.number)
    let renamed = isWritten ? FileSystem.rename(partialPath, to: path) : written
    guard renamed.value == 0 else {
      throw .failed(
        "cannot write '\(path)': \(renamed.reason); free some space or write elsewhere")
    }
    isFinished = true
  }
}
