#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif

/// An open file: with `PartialFile` the one place of this module that calls the operating system.
struct SystemFile: ~Copyable {
  let path: String
  private let descriptor: Int32

  /// Opens a file that exists for reading.
  init(reading path: String) throws(TraceFileError) {
    descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    self.path = path
    if descriptor < 0 { throw Self.failure("open", path) }
  }

  /// Creates a file for writing; one that exists is emptied, or is an error where it must be `new`.
  init(creating path: String, new: Bool = false) throws(TraceFileError) {
    do throws(PartialFile.Failure) {
      descriptor = try PartialFile.create(path, new: new)
    } catch {
      throw Self.failure(error, path)
    }
    self.path = path
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// Bytes of the file, which must be an ordinary one: a trace is read out of order.
  func byteCount() throws(TraceFileError) -> UInt64 {
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else { throw Self.failure("stat", path) }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw TraceFileError(
        .system(call: "open", reason: "not an ordinary file (copy the trace into one)"), path: path)
    }
    return UInt64(status.st_size)
  }

  /// Whether a path, followed through links, leads to this very file.
  func isFile(at path: String) -> Bool { PartialFile.isFile(descriptor, at: path) }

  /// `count` bytes from `offset`, fewer only at the file's end.
  func read(count: Int, at offset: UInt64) throws(TraceFileError) -> [UInt8] {
    var failed = false
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      while filled < count {
        let got = unsafe pread(
          descriptor, buffer.baseAddress?.advanced(by: filled), count - filled,
          off_t(offset) + off_t(filled))
        if got < 0, errno == EINTR { continue }
        failed = got < 0
        if got <= 0 { return }
        filled += got
      }
    }
    if failed { throw Self.failure("read", path) }
    return bytes
  }

  /// Appends all bytes.
  func write(_ bytes: [UInt8]) throws(TraceFileError) {
    var written = 0
    while written < bytes.count {
      let put = unsafe bytes.withUnsafeBytes { source in
        unsafe Self.put(
          descriptor, source.baseAddress?.advanced(by: written), source.count - written)
      }
      if put < 0, errno == EINTR { continue }
      guard put > 0 else { throw Self.failure("write", path) }
      written += put
    }
  }

  private static func put(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
    #if canImport(Glibc)
      unsafe Glibc.write(descriptor, bytes, count)
    #else
      unsafe Musl.write(descriptor, bytes, count)
    #endif
  }

  /// Cuts the file off behind its first bytes, if the system lets it.
  func truncate(to count: UInt64) { _ = ftruncate(descriptor, off_t(count)) }

  /// Waits until the bytes are on the disk; a device that cannot be asked is taken at its word.
  func synchronize() throws(TraceFileError) {
    if fsync(descriptor) != 0, errno != EINVAL, errno != EROFS { throw Self.failure("sync", path) }
  }

  /// Gives a file another name, in place of any that had it.
  static func rename(_ from: String, to: String) throws(TraceFileError) {
    #if canImport(Glibc)
      let status = unsafe Glibc.rename(from, to)
    #else
      let status = unsafe Musl.rename(from, to)
    #endif
    if status != 0 { throw failure("rename", to) }
  }

  /// Waits until the name of a file is on the disk, where its folder can be asked.
  static func synchronizeFolder(of path: String) {
    let end = path.lastIndex(of: "/")
    let folder = end.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
    let descriptor = unsafe open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    _ = fsync(descriptor)
    close(descriptor)
  }

  /// Removes a file if it is there.
  static func remove(_ path: String) { _ = unsafe unlink(path) }

  private static func failure(_ failure: PartialFile.Failure, _ path: String) -> TraceFileError {
    switch failure {
    case .isBeingWritten: TraceFileError(.invalid(PartialFile.isBeingWritten), path: path)
    case .system(EEXIST):
      TraceFileError(.invalid("is there already; remove it or write elsewhere"), path: path)
    case .system(let number): Self.failure("create", path, number)
    }
  }

  private static func failure(
    _ call: String, _ path: String, _ number: Int32 = errno
  ) -> TraceFileError {
    let reason = unsafe String(cString: strerror(number))
    return TraceFileError(.system(call: call, reason: reason), path: path)
  }
}
