import RepriseCommands
import TestSupport
import Testing

@Suite("Bad calls and bad input")
struct BadCallTests {
  let folder: TemporaryDirectory
  let trace: String

  init() async throws {
    folder = try TemporaryDirectory()
    let log = try folder.write(StepLogSample().text.utf8, to: "run.jsonl")
    trace = folder.file("run.reprise")
    _ = await CommandCall("record", log, "--output", trace)
  }

  @Test(
    "a wrong call is one line and exit code 2",
    arguments: [
      ["replay"], ["replay", "TRACE"], ["replay", "TRACE", "--policy", "no-such-rule"],
      ["replay", "TRACE", "--policy", "always-2d,always-2d"],
      ["replay", "TRACE", "--policy", "always-2d,"], ["replay", "TRACE", "--polcy", "always-2d"],
      ["replay", "TRACE", "--policy", "always-2d", "--batches", "none"],
      ["replay", "TRACE", "--policy", "always-2d", "--from", "5", "--to", "4"],
      ["replay", "TRACE", "--policy", "always-2d", "--from", "nan"],
      ["replay", "TRACE", "--policy", "always-2d", "--time-scale", "2"],
      [
        "replay", "TRACE", "--policy", "always-2d", "--time-scale", "0", "--batches", "rescheduled",
      ],
      ["replay", "TRACE", "--policy", "always-2d", "--max-requests", "0"],
      ["record", "--output", "x"], ["record", "-", "--listen", "s", "--output", "x"],
      ["record", "-", "--max-connections", "3", "--output", "x"], ["import", "x", "--output", "y"],
      ["import", "x", "--format", "foreign", "--output", "y"], ["trace", "export", "TRACE"],
      ["trace", "steps", "TRACE", "--first", "0"], ["generate", "random"],
      [
        "generate", "random", "--rate", "1", "--prompt", "1", "--output-tokens", "1", "--output",
        "x",
      ],
      generate("--rate", "0"), generate("--rate", "nan"), generate("--requests", "0"),
      generate("--output-tokens", "0"), generate("--range-ratio", "2"),
      ["generate", "latency", "--batch-size", "0", "--output", "x"],
      ["sweep", "--rates", "1", "--policy", "always-2d", "--prompt", "0", "--output", "x"],
      ["replay", "TRACE", "--policy", "always-2d", "--engine", "no-such-engine"],
      ["no-such-command"], ["--no-such-option"], ["record", "LOG", "--output", "-"],
      ["import", "LOG", "--format", "azure", "--output", "-"], generate("--output", "-"),
      ["trace", "repair", "TRACE", "--output", "-"], ["tune", "TRACE", "TRACE"],
      ["tune", "TRACE", "--held-out", "TRACE"],
      ["tune", "TRACE", "--quantities", "rows,skew", "--graph-safe", "--timing", "profile"],
      ["replay", "TRACE", "--policy", "always-2d", "--timing", "profile", "--exact"],
    ])
  func wrongCall(arguments: [String]) async {
    let places = ["TRACE": trace, "LOG": folder.file("run.jsonl")]
    let call = await CommandCall(arguments.map { places[$0] ?? $0 })
    #expect(call.exitCode == 2, "\(arguments)")
    #expect(call.hasOneErrorLine, "\(call.errors)")
    #expect(call.output.isEmpty)
  }

  /// A call that draws requests, with some options of its own.
  private static func generate(_ option: String, _ value: String) -> [String] {
    var options = ["--rate": "1", "--prompt": "9", "--output-tokens": "9", "--requests": "1"]
    options[option] = value
    options["--output"] = options["--output"] ?? "x"
    return ["generate", "random"]
      + options.sorted { $0.key < $1.key }.flatMap { [$0.key, $0.value] }
  }

  @Test(
    "an option that cannot be followed is named", arguments: ["--rate", "--requests", "--prompt"])
  func named(option: String) async {
    let call = await CommandCall(Self.generate(option, "0"))
    #expect(call.errors.contains("\(option) must "), "\(call.errors)")
    #expect(!call.errors.contains("generator"), "\(call.errors)")
  }

  @Test(
    "work that cannot be done is one line and exit code 1",
    arguments: [
      ["replay", "/no/such/file.reprise", "--policy", "always-2d"],
      ["calibrate", "/no/such.jsonl", "--output", "FOLDER/x.json"],
      ["replay", "/", "--policy", "always-2d"], ["replay", "/dev/null", "--policy", "always-2d"],
      ["replay", "/etc/passwd", "--policy", "always-2d"],
      ["replay", "TRACE", "--policy", "always-2d", "--timing", "gpu"],
      ["replay", "TRACE", "--policy", "always-2d", "--measurements", "x"],
      ["replay", "TRACE", "--policy", "always-2d", "--engine", "/no/such.yaml"],
      ["replay", "TRACE", "--policy", "always-2d", "--rule", "/no/such.yaml"],
      ["replay", "TRACE", "--policy", "always-2d", "--profile", "/no/such.json"],
      ["replay", "TRACE", "--policy", "always-2d", "--profile", "/etc/passwd"],
      ["replay", "TRACE", "--policy", "split-up-to:4,fastest:triton-3d-64"],
      ["replay", "TRACE", "--policy", "always-2d", "--from", "1000"],
      ["replay", "TRACE", "--policy", "always-2d", "--output", "/proc/no/such"],
      ["record", "/no/such.jsonl", "--output", "FOLDER/x.reprise"],
      ["record", "/etc/passwd", "--output", "FOLDER/x.reprise"],
      ["record", "/etc", "--output", "FOLDER/x.reprise"],
      ["record", "LOG", "--output", "/no/such/folder/x.reprise"],
      ["import", "/no/such.csv", "--format", "azure", "--output", "FOLDER/x.reprise"],
      ["import", "/etc/passwd", "--format", "azure", "--output", "FOLDER/x.reprise"],
      ["import", "LOG", "--format", "mooncake", "--output", "FOLDER/x.reprise"],
      ["trace", "info", "/etc/passwd"], ["trace", "verify", "/no/such"],
      ["trace", "repair", "/etc/passwd", "--output", "FOLDER/x.reprise"],
      ["calibrate", "/no/such.jsonl", "TRACE", "--output", "FOLDER/x.json"],
      ["record", "--listen", "FOLDER/socket", "--output", "LOG"],
    ])
  func impossible(arguments: [String]) async throws {
    let call = await CommandCall(
      arguments.map { argument in
        argument.replacing("FOLDER", with: folder.path)
          .replacing("TRACE", with: trace).replacing("LOG", with: folder.file("run.jsonl"))
      })
    #expect(call.exitCode == 1, "\(arguments) \(call.errors)")
    #expect(call.hasOneErrorLine, "\(call.errors)")
    #expect(call.output.isEmpty)
    #expect(try folder.contents() == ["run.jsonl", "run.reprise"])
  }

  @Test("measurements that do not exist are said to be missing")
  func missingMeasurements() async {
    let call = await CommandCall(
      "replay", trace, "--policy", "always-2d", "--measurements", folder.file("none.sqlite"))
    #expect(call.exitCode == 1)
    // On a machine with a GPU they would be made, if it had kernels.
    let isSaid =
      call.errors.contains("none.sqlite' to take times from")
      || call.errors.contains("kernels build")
    #expect(isSaid, "\(call.errors)")
  }

  @Test("what has no --timing does not advise it")
  func noAdvice() async {
    let measure = ["measure", trace, "--policy", "always-2d"]
    for command in [
      ["kernels", "selftest"], measure + ["--measurements", folder.file("x.sqlite")],
    ] {
      let call = await CommandCall(command)
      #expect(!call.errors.contains("--timing"), "\(call.errors)")
    }
  }

  @Test("a log that runs no request is not said to have a window")
  func emptyBatches() async throws {
    let lines = StepLogSample().text.split(separator: "\n").prefix(2)
    let step = #"{"kind":"step","step":0,"schedule_start":1,"schedule_end":1,"batch":[]}"#
    let log = try folder.write(
      (lines.joined(separator: "\n") + "\n" + step + "\n").utf8, to: "empty.jsonl")
    _ = await CommandCall("record", log, "--output", folder.file("empty.reprise"))
    for command in ["replay", "regret"] {
      let call = await CommandCall(
        command, folder.file("empty.reprise"), "--policy", "always-2d", "--timing", "profile")
      #expect(call.exitCode == 1)
      #expect(call.errors.contains("no step that runs a request"), "\(call.errors)")
    }
  }

  @Test("an engine that can serve no request ends a replay in one line")
  func tooLong() async throws {
    let engine = try folder.write(
      "base: mistral-small-24b@nvidia-h200\nkv_cache_tokens: 16\n".utf8, to: "small.yaml")
    for command in ["replay", "regret"] {
      let call = await CommandCall(
        command, trace, "--policy", "always-2d", "--timing", "profile", "--batches", "rescheduled",
        "--engine", engine)
      #expect(call.exitCode == 1 && call.hasOneErrorLine, "\(call.errors)")
      #expect(call.errors.contains("every request is too long"), "\(call.errors)")
    }
  }

  @Test("a trace cut or flipped at any of many places is an error or the same trace")
  func corrupted() async throws {
    let bytes = try folder.bytes(of: "run.reprise")
    let whole = await CommandCall("trace", "export", trace, "--format", "steps-jsonl").output
    for place in stride(from: 0, to: bytes.count, by: max(1, bytes.count / 60)) {
      var flipped = bytes
      flipped[place] ^= 0x10
      for (name, changed) in [("flipped", flipped), ("cut", Array(bytes[..<place]))] {
        let path = try folder.write(changed, to: "\(name).reprise")
        let call = await CommandCall("trace", "export", path, "--format", "steps-jsonl")
        let isSame = call.exitCode == 0 && call.output == whole
        #expect(isSame || (call.exitCode == 1 && call.hasOneErrorLine), "\(name) at \(place)")
      }
    }
  }

  @Test("a full disk under standard output is one line and exit code 1")
  func fullDisk() async {
    let errors = MemorySink()
    let console = Console(output: RefusingSink(.refused(errno: 28)), errors: errors)
    for arguments in [["policies"], ["--help"], ["replay", "--help"]] {
      #expect(await RepriseProgram.run(arguments, on: console) == 1)
    }
    #expect(errors.text.split(separator: "\n").count { $0.contains("No space left") } == 3)
  }

  @Test("a reader that goes away ends the work without a word")
  func closedPipe() async {
    let errors = MemorySink()
    let console = Console(output: RefusingSink(.closedPipe), errors: errors)
    #expect(await RepriseProgram.run(["policies"], on: console) == 0)
    #expect(errors.text.isEmpty)
  }

  @Test("help and version are results")
  func help() async {
    for arguments in [["--help"], ["help"], ["replay", "--help"], ["--version"], []] {
      let call = await CommandCall(arguments)
      #expect(call.exitCode == 0, "\(arguments)")
      #expect(!call.output.isEmpty, "\(arguments)")
      #expect(call.errors.isEmpty, "\(arguments)")
    }
  }
}
