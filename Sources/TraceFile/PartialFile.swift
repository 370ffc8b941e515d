#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif

/// Opens files that have a name of their own until they are whole, each for one run at a time.
///
/// The run holds a lock on its file until it closes the descriptor or dies, so that what a dead one left
/// is free. The lock is one of `fcntl`, which belongs to the process: a child that an engine forks has the
/// descriptor too, and would go on holding a lock of `flock` after the engine's death. In return the
/// first descriptor of the file that the process closes ends it, and within one process it keeps
/// nobody out.
public enum PartialFile {
  /// Why a file cannot be opened.
  public enum Failure: Error {
    /// Another run is writing it.
    case isBeingWritten
    /// The system's error number.
    case system(Int32)
  }

  /// What to say where another run is writing the file.
  public static let isBeingWritten = "another run is writing it; wait for that or write elsewhere"

  /// Opens a file for writing and empties it; one that exists is an error where it must be `new`.
  public static func create(_ path: String, new: Bool = false) throws(Failure) -> Int32 {
    while true {
      let descriptor = unsafe open(
        path, O_WRONLY | O_CREAT | O_CLOEXEC | (new ? O_EXCL : 0), 0o644)
      guard descriptor >= 0 else { throw .system(errno) }
      do throws(Failure) {
        try lock(descriptor)
        // The run that had it may have given it its final name, or removed it, in between.
        guard isFile(descriptor, at: path) else {
          close(descriptor)
          continue
        }
        try empty(descriptor)
        return descriptor
      } catch {
        close(descriptor)
        throw error
      }
    }
  }

  /// Whether a path, followed through links, leads to an open file.
  static func isFile(_ descriptor: Int32, at path: String) -> Bool {
    var own = stat()
    var other = stat()
    return unsafe fstat(descriptor, &own) == 0 && stat(path, &other) == 0
      && own.st_dev == other.st_dev && own.st_ino == other.st_ino
  }

  /// Locks all of a file; where the file system knows no locks, nothing is done.
  private static func lock(_ descriptor: Int32) throws(Failure) {
    var whole = flock()
    whole.l_type = Int16(F_WRLCK)
    whole.l_whence = Int16(SEEK_SET)
    guard unsafe fcntl(descriptor, F_SETLK, &whole) != 0 else { return }
    if errno == EAGAIN || errno == EACCES { throw .isBeingWritten }
  }

  private static func empty(_ descriptor: Int32) throws(Failure) {
    // A device has nothing to empty.
    if ftruncate(descriptor, 0) != 0, errno != EINVAL { throw .system(errno) }
  }
}
