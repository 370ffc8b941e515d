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
      ["no-such-command"], ["--no-such-option"],
    ])
  func wrongCall(arguments: [String]) async {
    let call = await CommandCall(arguments.map { $0 == "TRACE" ? trace : $0 })
    #expect(call.exitCode == 2, "\(arguments)")
    #expect(call.hasOneErrorLine, "\(call.errors)")
    #expect(call.output.isEmpty)
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
      ["replay", "TRACE", "--policy", "always-2d", "--engine", "no-such-engine"],
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
    #expect(await RepriseProgram.run(["policies"], on: console) == 1)
    #expect(errors.text.contains("No space left"))
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
