import Glibc

/// Runs a provider of kernels over a plan.
///
/// The command line is a shell's, so that it can name an environment; paths go to it as arguments of
/// their own.
enum ProviderProcess {
  /// Lets a provider add to a store what a plan lists; its messages go to standard error.
  static func measure(
    plan: String, store: String, with command: String
  ) throws(CommandError) {
    var actions = unsafe posix_spawn_file_actions_t()
    unsafe posix_spawn_file_actions_init(&actions)
    defer { unsafe posix_spawn_file_actions_destroy(&actions) }
    // Standard output is for the report.
    unsafe posix_spawn_file_actions_adddup2(&actions, 2, 1)
    unsafe posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    let words = ["/bin/sh", "-c", "\(command) \"$@\"", "sh", "measure", plan, "--store", store]
    var arguments = unsafe words.map { unsafe strdup($0) } + [nil]
    defer { unsafe arguments.forEach { unsafe free($0) } }
    var identifier: pid_t = 0
    let status = unsafe posix_spawn(
      &identifier, "/bin/sh", &actions, nil, &arguments, environ)
    guard status == 0 else {
      throw .failed("cannot run '\(command)': \(systemMessage(status)); check --provider")
    }
    let code = wait(for: identifier)
    guard code == 0 else {
      throw .failed(
        "'\(command)' ended with \(code); its messages stand above, the plan is '\(plan)'")
    }
  }

  private static func wait(for identifier: pid_t) -> Int32 {
    var status: Int32 = 0
    while unsafe waitpid(identifier, &status, 0) < 0 {
      guard errno == EINTR else { return -1 }
    }
    let signal = status & 0x7f
    return signal == 0 ? (status >> 8) & 0xff : 128 + signal
  }
}
