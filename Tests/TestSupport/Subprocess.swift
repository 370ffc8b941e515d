import Glibc

/// Runs a program to its end and keeps what it printed.
public enum Subprocess {
  /// What a program left behind.
  public struct Result: Sendable {
    /// Its exit code; 128 plus the number of the signal that ended it.
    public let exitCode: Int32
    /// What it wrote to standard output.
    public let output: String
    /// What it wrote to standard error.
    public let errors: String
  }

  /// Runs a program found along `PATH` (or at a path) and waits for it.
  ///
  /// - `input`: a file for its standard input
  /// - `outputPath`: a file for its standard output, such as `/dev/full`, instead of `Result.output`
  public static func run(
    _ program: String, _ arguments: [String], input: String = "/dev/null",
    outputPath: String? = nil
  ) throws -> Result {
    let folder = try TemporaryDirectory()
    let process = try spawn(
      program, arguments, input: input, output: outputPath ?? folder.file("output"),
      errors: folder.file("errors"))
    let code = process.wait()
    return Result(
      exitCode: code, output: outputPath == nil ? try folder.text(of: "output") : "",
      errors: try folder.text(of: "errors"))
  }

  /// Starts a program without waiting for it; its streams are the named files.
  public static func spawn(
    _ program: String, _ arguments: [String], input: String = "/dev/null", output: String,
    errors: String
  ) throws -> RunningProcess {
    var actions = unsafe posix_spawn_file_actions_t()
    unsafe posix_spawn_file_actions_init(&actions)
    defer { unsafe posix_spawn_file_actions_destroy(&actions) }
    unsafe posix_spawn_file_actions_addopen(&actions, 0, input, O_RDONLY, 0)
    for (descriptor, path) in [(Int32(1), output), (Int32(2), errors)] {
      unsafe posix_spawn_file_actions_addopen(
        &actions, descriptor, path, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
    }
    var words = unsafe ([program] + arguments).map { unsafe strdup($0) } + [nil]
    defer { for unsafeword in unsafe words { unsafe free(word) } }
    var identifier: pid_t = 0
    let status = unsafe posix_spawnp(&identifier, program, &actions, nil, &words, environ)
    guard status == 0 else { throw POSIXFailure(number: status) }
    return RunningProcess(identifier: identifier)
  }
}

/// A program that was started.
public struct RunningProcess: Sendable {
  let identifier: pid_t

  /// Sends it a signal.
  public func signal(_ number: Int32) { kill(identifier, number) }

  /// Waits for its end and gives its exit code, or 128 plus the signal that ended it.
  public func wait() -> Int32 {
    var status: Int32 = 0
    while unsafe waitpid(identifier, &status, 0) < 0 {
      guard errno == EINTR else { return -1 }
    }
    let signal = status & 0x7f
    return signal == 0 ? (status >> 8) & 0xff : 128 + signal
  }
}
