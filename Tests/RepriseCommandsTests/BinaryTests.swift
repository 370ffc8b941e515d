import FoundationEssentials
import Glibc
import TestSupport
import Testing
import TraceFile

@Suite("The program as it is built")
struct BinaryTests {
  let folder: TemporaryDirectory
  let binary: String

  init() throws {
    folder = try TemporaryDirectory()
    binary = try #require(Self.find(), "build the product first")
  }

  /// The program beside the test bundle that runs.
  static func find() -> String? {
    for argument in CommandLine.arguments {
      var parts = argument.split(separator: "/", omittingEmptySubsequences: false)
      parts.removeLast()
      let path = parts.joined(separator: "/") + "/reprise"
      if FileManager.default.isExecutableFile(atPath: path) { return path }
    }
    let path = RepositoryFile.path(".build/debug/reprise")
    return FileManager.default.isExecutableFile(atPath: path) ? path : nil
  }

  @Test("exit codes are 0 for done, 1 for failed, 2 for a wrong call")
  func exitCodes() throws {
    #expect(try Subprocess.run(binary, ["policies"]).exitCode == 0)
    #expect(try Subprocess.run(binary, ["trace", "info", "/no/such"]).exitCode == 1)
    #expect(try Subprocess.run(binary, ["--bogus"]).exitCode == 2)
  }

  @Test("a full disk is one line and exit code 1")
  func fullDisk() throws {
    let result = try Subprocess.run(binary, ["policies"], outputPath: "/dev/full")
    #expect(result.exitCode == 1)
    #expect(result.errors.split(separator: "\n").count == 1)
  }

  @Test("a reader that goes away ends the program quietly")
  func brokenPipe() throws {
    let script = "'\(binary)' policies | true; exit ${PIPESTATUS[0]}"
    let result = try Subprocess.run("bash", ["-c", script])
    #expect(result.exitCode == 0)
    #expect(result.errors.isEmpty, "\(result.errors)")
  }

  @Test("standard input is read to its end")
  func standardInput() throws {
    let log = try folder.write(StepLogSample().text.utf8, to: "log")
    let trace = folder.file("run.reprise")
    let result = try Subprocess.run(binary, ["record", "-", "--output", trace], input: log)
    #expect(result.exitCode == 0, "\(result.errors)")
    #expect(result.output.contains("6 requests"))
  }

  @Test("a bad line of a live log ends the recording with what precedes it, and exit code 1")
  func badLine() throws {
    let sample = StepLogSample().text
    let trace = folder.file("run.reprise")
    for (name, end) in [("bad", "{\"kind\":\"step\"}\n" + sample), ("cut", "{\"kind\":\"st")] {
      let log = try folder.write((sample + end).utf8, to: name)
      let result = try Subprocess.run(binary, ["record", "-", "--output", trace], input: log)
      #expect(result.exitCode == 1)
      #expect(result.errors.hasPrefix("reprise: standard input:"))
      #expect(
        result.errors.contains("\(trace) has what precedes it: 6 requests"), "\(result.errors)")
      #expect(result.errors.split(separator: "\n").count == 1)
      let exported = try Subprocess.run(
        binary, ["trace", "export", trace, "--format", "steps-jsonl"])
      #expect(exported.output == sample)
    }
  }

  @Test("a live log on a disk that fills up leaves its whole chunks and says how to save them")
  func diskFillsUp() throws {
    let log = try folder.write(StepLogSample(requests: 40, outputTokens: 600).text.utf8, to: "log")
    let trace = folder.file("run.reprise")
    let script = "ulimit -f 1; trap '' XFSZ; '\(binary)' record - --output '\(trace)' < '\(log)'"
    let result = try Subprocess.run("bash", ["-c", script])
    #expect(result.exitCode == 1)
    #expect(
      result.errors.contains("'reprise trace repair \(trace).partial'"), "\(result.errors)")
    #expect(try folder.contents() == ["log", "run.reprise.partial"])
    let repaired = try Subprocess.run(
      binary, ["trace", "repair", trace + ".partial", "--output", trace])
    #expect(repaired.exitCode == 0, "\(repaired.errors)")
  }

  @Test("a live log does not write over an unfinished recording")
  func restarted() throws {
    let log = try folder.write(StepLogSample().text.utf8, to: "log")
    let partial = try folder.write([1, 2, 3], to: "run.reprise.partial")
    let result = try Subprocess.run(
      binary, ["record", "-", "--output", folder.file("run.reprise")], input: log)
    #expect(result.exitCode == 1)
    #expect(result.errors.contains("\(partial)': is there already"), "\(result.errors)")
    #expect(try folder.contents() == ["log", "run.reprise.partial"])
    #expect(try folder.bytes(of: "run.reprise.partial") == [1, 2, 3])
  }

  @Test("a file that another run is writing is left to it, and replaced once that run is gone")
  func twoRuns() throws {
    let log = try folder.write(StepLogSample().text.utf8, to: "log")
    let trace = folder.file("run.reprise")
    let calls = [
      ("run.reprise", ["record", log, "--output", trace]),
      (
        "results/summary.json",
        [
          "replay", trace, "--policy", "always-2d", "--timing", "profile", "--output",
          folder.file("results"),
        ]
      ),
    ]
    for (name, call) in calls {
      if name.hasPrefix("results") { _ = unsafe mkdir(folder.file("results"), 0o755) }
      let descriptor = try PartialFile.create(folder.file(name + ".partial"))
      let refused = try Subprocess.run(binary, call)
      #expect(refused.exitCode == 1)
      #expect(refused.errors.contains("another run is writing it"), "\(refused.errors)")
      #expect(folder.has(name + ".partial") && !folder.has(name))
      close(descriptor)
      let done = try Subprocess.run(binary, call)
      #expect(done.exitCode == 0, "\(done.errors)")
      #expect(!folder.has(name + ".partial") && folder.has(name))
    }
  }

  @Test("a listener asked to stop ends with exit code 0 and takes its socket along")
  func stopSignal() throws {
    let socket = folder.file("socket")
    let process = try Subprocess.spawn(
      binary, ["record", "--listen", socket, "--output", folder.file("traces")],
      output: folder.file("output"), errors: folder.file("errors"))
    for _ in 0..<1000 where !FileManager.default.fileExists(atPath: socket) { usleep(10_000) }
    #expect(FileManager.default.fileExists(atPath: socket))
    process.signal(SIGTERM)
    #expect(process.wait() == 0)
    #expect(!FileManager.default.fileExists(atPath: socket))
  }
}
