import Glibc
import TestSupport
import Testing
import TraceModel

@Suite("Recording and looking into traces")
struct RecordAndTraceTests {
  let folder: TemporaryDirectory
  let log: String
  let trace: String
  let sample = StepLogSample().text

  init() throws {
    folder = try TemporaryDirectory()
    log = try folder.write(sample.utf8, to: "run.steps.jsonl")
    trace = folder.file("run.reprise")
  }

  private func record() async { _ = await CommandCall("record", log, "--output", trace) }

  @Test("a step log becomes a trace, and nothing else is left beside it")
  func recordFile() async throws {
    let call = await CommandCall("record", log, "--output", trace)
    #expect(call.exitCode == 0, "\(call.errors)")
    #expect(call.output.contains("6 requests"))
    #expect(try folder.contents() == ["run.reprise", "run.steps.jsonl"])
  }

  @Test(
    "a file is not overwritten by the trace that is made from it, whatever leads to it",
    arguments: ["record", "import"])
  func ownOutput(command: String) async throws {
    let format = command == "import" ? ["--format", "mooncake"] : []
    for (name, output) in [("a.partial", "a"), ("b", "b"), ("c.partial", "c")] {
      let file = try folder.write(sample.utf8, to: name)
      #expect(unsafe symlink(file, folder.file("link-\(name)")) == 0)
      for input in [file, folder.file("link-\(name)")] {
        let call = await CommandCall([command, input, "--output", folder.file(output)] + format)
        #expect(call.exitCode == 2 && call.errors.contains("would overwrite"), "\(call.errors)")
      }
      #expect(try folder.bytes(of: name) == Array(sample.utf8))
    }
  }

  @Test("exporting the trace gives the log back byte for byte")
  func exportSteps() async throws {
    await record()
    let call = await CommandCall("trace", "export", trace, "--format", "steps-jsonl")
    #expect(call.exitCode == 0)
    #expect(call.output == sample)
  }

  @Test("info has the documented keys")
  func info() async throws {
    await record()
    let call = await CommandCall("trace", "info", trace, "--format", "json")
    let json = try JSONValue(parsing: call.output)
    #expect(json["requests"] == .integer(6))
    #expect(json["prompt_tokens"] == .integer(6900))
    #expect(json["output_tokens"] == .integer(120))
    #expect(json["gaps"] == .integer(0))
    #expect((json["steps"]?.int ?? 0) > 20)
    #expect((json["duration_s"]?.double ?? 0) > 0.5)
    #expect(try json["bytes"]?.int == folder.bytes(of: "run.reprise").count)
    let text = await CommandCall("trace", "info", trace)
    #expect(text.output.contains("mistral-small-24b"))
  }

  @Test("steps are listed one a line, within a window and up to a count")
  func steps() async {
    await record()
    let all = await CommandCall("trace", "steps", trace).output.split(separator: "\n")
    let first = await CommandCall("trace", "steps", trace, "--first", "3")
    #expect(first.output.split(separator: "\n") == Array(all.prefix(4)))
    let late = await CommandCall("trace", "steps", trace, "--from", "0.3")
    #expect(late.output.split(separator: "\n").count < all.count)
    #expect(all.last == late.output.split(separator: "\n").last)
  }

  @Test("requests are exported as lines that import reads back")
  func exportRequests() async throws {
    await record()
    let lines = await CommandCall("trace", "export", trace, "--format", "requests-jsonl").output
    let file = try folder.write(lines.utf8, to: "requests.jsonl")
    let again = folder.file("again.reprise")
    let call = await CommandCall("import", "--format", "mooncake", file, "--output", again)
    #expect(call.exitCode == 0, "\(call.errors)")
    let back = await CommandCall("trace", "export", again, "--format", "requests-jsonl")
    #expect(back.output == lines)
  }

  @Test("the table has a line for every step and as many cells in each")
  func exportTable() async {
    await record()
    let table = await CommandCall("trace", "export", trace, "--format", "csv").output
      .split(separator: "\n")
    let steps = sample.split(separator: "\n").count { $0.contains("\"kind\":\"step\"") }
    #expect(table.count == steps + 1)
    let cells = Set(table.map { $0.split(separator: ",", omittingEmptySubsequences: false).count })
    #expect(cells == [16])
  }

  @Test("the timeline is JSON in which every request's phases begin and end")
  func exportTimeline() async throws {
    await record()
    let text = await CommandCall("trace", "export", trace, "--format", "perfetto").output
    guard case .array(let events)? = try JSONValue(parsing: text)["traceEvents"] else {
      Issue.record("no events")
      return
    }
    #expect(events.count { $0["ph"]?.string == "b" } == 18)
    #expect(events.count { $0["ph"]?.string == "e" } == 18)
  }

  @Test("a whole trace is verified, a cut one is refused and repaired")
  func verifyAndRepair() async throws {
    await record()
    #expect(await CommandCall("trace", "verify", trace).exitCode == 0)
    let bytes = try folder.bytes(of: "run.reprise")
    let cut = try folder.write(bytes.dropLast(40), to: "cut.reprise")
    let verified = await CommandCall("trace", "verify", cut)
    #expect(verified.exitCode == 1)
    #expect(verified.hasOneErrorLine, "\(verified.errors)")
    let saved = folder.file("saved.reprise")
    let repaired = await CommandCall("trace", "repair", cut, "--output", saved)
    #expect(repaired.exitCode == 0, "\(repaired.errors)")
    #expect(repaired.output.contains("bytes belong to no whole chunk"), "\(repaired.output)")
    #expect(!repaired.output.contains("("), "\(repaired.output)")
    let beside = await CommandCall("trace", "repair", cut)
    #expect(beside.output.hasPrefix(folder.file("cut.repaired.reprise") + ": "), "\(beside.output)")
    // What was saved before is not written over.
    let again = await CommandCall("trace", "repair", cut)
    #expect(again.exitCode == 1)
    #expect(again.hasOneErrorLine, "\(again.errors)")
    #expect(await CommandCall("trace", "verify", saved).exitCode == 0)
  }

  @Test("a log that ends within a line is an error that leaves no trace")
  func truncatedLog() async throws {
    let cut = try folder.write(sample.utf8.dropLast(20), to: "cut.jsonl")
    let call = await CommandCall("record", cut, "--output", trace)
    #expect(call.exitCode == 1)
    #expect(call.hasOneErrorLine, "\(call.errors)")
    #expect(try folder.contents() == ["cut.jsonl", "run.steps.jsonl"])
  }

  @Test("each connection to a socket becomes a trace, also one that is cut off")
  func listen() async throws {
    let socket = folder.file("socket")
    let output = folder.file("traces")
    async let listening = CommandCall(
      "record", "--listen", socket, "--output", output, "--max-connections", "2")
    try await Self.send(Array(sample.utf8), to: socket)
    try await Self.send(Array(sample.utf8.dropLast(20)), to: socket)
    let call = await listening
    #expect(call.exitCode == 0, "\(call.errors)")
    #expect(
      try folder.contents() == ["run.steps.jsonl", "traces"], "the socket is gone afterwards")
    let whole = await CommandCall(
      "trace", "export", output + "/connection-0001.reprise", "--format", "steps-jsonl")
    #expect(whole.output == sample)
    let cut = await CommandCall("trace", "verify", output + "/connection-0002.reprise")
    #expect(cut.exitCode == 0)
  }

  /// Connects as soon as somebody listens, writes everything and closes.
  private static func send(_ bytes: [UInt8], to path: String) async throws {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    unsafe withUnsafeMutableBytes(of: &address.sun_path) {
      unsafe $0.copyBytes(from: Array(path.utf8))
    }
    for _ in 0..<500 {
      let client = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
      let connected = unsafe withUnsafePointer(to: &address) { pointer in
        unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          unsafe connect(client, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
        }
      }
      if connected == 0 {
        var sent = 0
        while sent < bytes.count {
          sent += unsafe bytes[sent...].withUnsafeBytes {
            unsafe write(client, $0.baseAddress, $0.count)
          }
        }
        close(client)
        return
      }
      close(client)
      try await Task.sleep(for: .milliseconds(10))
    }
    Issue.record("nobody listens on \(path)")
  }
}
