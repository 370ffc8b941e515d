import ArgumentParser
import Glibc

/// `reprise kernels`: the attention kernels that GPU timing executes.
struct KernelsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "kernels",
    abstract: "Compile the attention kernels for a GPU, and test them on it.",
    subcommands: [KernelsBuildCommand.self, KernelsSelfTestCommand.self])

  /// Where kernels are built and sought by default.
  static var defaultDirectory: String {
    let cache = environment("XDG_CACHE_HOME") ?? "\(environment("HOME") ?? ".")/.cache"
    return "\(cache)/reprise/kernels"
  }

  static func environment(_ name: String) -> String? {
    guard let value = unsafe getenv(name) else { return nil }
    let text = unsafe String(cString: value)
    return text.isEmpty ? nil : text
  }
}

/// `reprise kernels build`: the kernels' own compiler, a Python package, under reprise's name.
struct KernelsBuildCommand: ConsoleCommand {
  static let configuration = CommandConfiguration(
    commandName: "build",
    abstract: "Compile the kernels ahead of time; needs python3 with triton 3.6.0, and no GPU.",
    discussion: """
      The compiler is the Python package reprise_kernels: that of the source tree which this program \
      or the working directory lies in, else an installed one.
      """)

  @Option(help: "An architecture such as sm_90; may be given more than once.")
  var arch: [String]

  @Option(help: "A model such as mistral-small-24b; may be given more than once. Default: all.")
  var model: [String] = []

  @Option(help: "A shape instead of a model: elements of a head.")
  var headSize: Int?

  @Option(help: "With --head-size: query heads per KV head.")
  var ratio: Int?

  @Option(help: "Tokens in a KV block.")
  var blockSize: Int?

  @Option(help: "Only these variants; may be given more than once. Default: all that fit.")
  var variant: [String] = []

  @Option(help: "Where kernels go. Default: ~/.cache/reprise/kernels.")
  var output: String?

  @Option(help: "Compilers that run at once.")
  var jobs: Int?

  @Option(help: "The Python to run.")
  var python = "python3"

  /// The call of the compiler.
  var words: [String] {
    var words = [python, "-m", "reprise_kernels", "build"]
    for (name, values) in [("--arch", arch), ("--model", model), ("--variant", variant)] {
      for value in values { words += [name, value] }
    }
    for (name, value) in [
      ("--head-size", headSize), ("--ratio", ratio), ("--block-size", blockSize), ("--jobs", jobs),
    ] {
      if let value { words += [name, "\(value)"] }
    }
    return words + ["--output", output ?? KernelsCommand.defaultDirectory]
  }

  func run(on console: Console) throws {
    if let package = Self.package {
      let path = KernelsCommand.environment("PYTHONPATH").map { "\(package):\($0)" } ?? package
      unsafe setenv("PYTHONPATH", path, 1)
    }
    // The compiler takes this process's place: its output and exit code are the result.
    var arguments: [UnsafeMutablePointer<CChar>?] = unsafe words.map { unsafe strdup($0) }
    unsafe arguments.append(nil)
    unsafe execvp(python, &arguments)
    throw CommandError.failed(
      "cannot run '\(python)': \(systemMessage(errno)); install Python 3 with 'triton==3.6.0', "
        + "or name one with --python")
  }

  /// The folder of the compiler's package in the source tree around the program or working directory.
  private static var package: String? {
    var program = [CChar](repeating: 0, count: Int(PATH_MAX))
    let count = unsafe readlink("/proc/self/exe", &program, program.count - 1)
    let path = String(
      decoding: program.prefix(max(0, count)).map(UInt8.init(bitPattern:)), as: UTF8.self)
    var folders = ["."]
    var parts = path.split(separator: "/")
    while !parts.isEmpty {
      parts.removeLast()
      folders.append("/" + parts.joined(separator: "/"))
    }
    return folders.map { "\($0)/Sources/TritonKernels" }.first {
      FileSystem.exists("\($0)/reprise_kernels/__main__.py")
    }
  }
}
