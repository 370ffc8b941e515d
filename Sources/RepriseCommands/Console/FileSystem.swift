import ArgumentParser
import Glibc

/// The few calls of the system that commands make by path; each answers with the error number.
enum FileSystem {
  /// A descriptor for reading.
  static func openForReading(_ path: String) -> SystemResult {
    SystemResult(unsafe open(path, O_RDONLY | O_CLOEXEC))
  }

  /// Gives a file another name, replacing what has it.
  static func rename(_ path: String, to name: String) -> SystemResult {
    SystemResult(unsafe Glibc.rename(path, name))
  }

  /// Removes a file, if it is there.
  static func remove(_ path: String) { _ = unsafe unlink(path) }

  /// Whether anything has this name.
  static func exists(_ path: String) -> Bool { unsafe access(path, F_OK) == 0 }

  /// Whether a socket has this name.
  static func isSocket(_ path: String) -> Bool {
    var status = stat()
    return unsafe lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFSOCK
  }

  private static func isDirectory(_ path: String) -> Bool {
    var status = stat()
    return unsafe stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  /// Which file has this name, a link not followed; `nil` where none has.
  static func identity(ofName path: String) -> FileIdentity? {
    var status = stat()
    guard unsafe lstat(path, &status) == 0 else { return nil }
    return FileIdentity(device: status.st_dev, number: status.st_ino)
  }

  /// A trace to write as a call names it; its index comes last, so that it cannot go through a pipe.
  static func traceName(_ text: String) throws(ValidationError) -> String {
    guard text != "-" else {
      throw ValidationError("a trace does not go to standard output; name a file")
    }
    return text
  }

  /// Makes sure that writing a trace does not cost the file that it is made from.
  ///
  /// Until it is whole, a trace is its path with `.partial` behind it.
  static func keep(_ input: String, from output: String) throws(CommandError) {
    guard let own = identity(of: input) else { return }
    for name in [output, output + ".partial"] where identity(of: name) == own {
      throw .usage(
        "writing '\(output)' would overwrite '\(input)', from which it is made; name another")
    }
  }

  /// Which file a path leads to; `nil` where it leads to none.
  static func identity(of path: String) -> FileIdentity? {
    var status = stat()
    guard unsafe stat(path, &status) == 0 else { return nil }
    return FileIdentity(device: status.st_dev, number: status.st_ino)
  }

  /// Makes a directory with its parents; one that exists is fine.
  static func makeDirectory(_ path: String) throws(CommandError) {
    var prefix = path.hasPrefix("/") ? "/" : ""
    for part in path.split(separator: "/") {
      prefix += part
      let made = SystemResult(unsafe mkdir(prefix, 0o755))
      guard made.value >= 0 || made.number == EEXIST && isDirectory(prefix) else {
        throw .failed(
          "cannot create the directory '\(prefix)': \(made.reason); choose one you may write to")
      }
      prefix += "/"
    }
  }
}

/// What tells a file from every other, whatever its names.
struct FileIdentity: Equatable {
  let device: UInt
  let number: UInt
}

/// What a call of the system gave, with the error number that it left behind.
struct SystemResult {
  /// The call's value; negative where it failed.
  let value: Int32
  /// The error number; meaningless where the call went well.
  let number: Int32

  /// Takes the value of a call that was just made.
  init(_ value: Int32) {
    self.value = value
    number = errno
  }

  /// The system's words for why it failed.
  var reason: String { systemMessage(number) }
}

/// The system's words for one of its error numbers.
func systemMessage(_ number: Int32) -> String {
  unsafe strerror(number).map { unsafe String(cString: $0) } ?? "error \(number)"
}
