import Testing
import TraceImport

struct StepLogErrorTests {
  private static let request =
    #"{"kind":"request","id":0,"arrival":0,"prompt_tokens":9,"output_tokens":9}"#
  private static let step =
    #"{"kind":"step","step":5,"schedule_start":1,"schedule_end":1,"output":1,"batch":[[0,0,9]]}"#

  private func error(_ text: String) throws -> TraceImportError {
    try #require(throws: TraceImportError.self) { try StepLogContents(text) }
  }

  /// The error of a log whose third line is a step like `step` with one thing replaced.
  private func error(replacing old: String, with new: String) throws -> TraceImportError {
    try #require(Self.step.contains(old))
    let parts = Self.step.split(separator: old, maxSplits: 1, omittingEmptySubsequences: false)
    return try error(
      StepLogs.header + "\n" + Self.request + "\n" + parts.joined(separator: new) + "\n")
  }

  @Test(
    "What is no step log is said to be none",
    arguments: ["", "\n", "hello\n", "{}\n", "[1]\n", "{\"kind\":\"step\"}\n", "{\"kind\":7}\n"])
  func foreign(text: String) throws {
    let error = try error(text)
    #expect(error.kind == .foreignFormat)
    #expect(error.message.contains("the first line of a step log is"))
    #expect(!error.message.contains("\n"))
  }

  @Test("Another schema is refused by name")
  func otherSchema() throws {
    let error = try error(#"{"kind":"header","schema":"engine-step-log/2"}"#)
    #expect(
      error.message
        == #"log:1: schema is "engine-step-log/2"; this version reads "engine-step-log/1""#)
  }

  @Test(
    "A bad step ends in one line that names the line and the fault",
    arguments: [
      ("[0,0,9]", "[1,0,9]", "request 1 is unknown"),
      ("[0,0,9]", "[0,0,0]", "query_len of a row is 0"),
      ("[0,0,9]", "[-1,0,9]", "a row's request is negative"),
      ("[0,0,9]", "[0,-1,9]", "computed tokens is negative"),
      ("[0,0,9]", "[0,0,-9]", "query_len is negative"),
      ("[0,0,9]", "[0,2147483647,1]", "computed + query_len of a row is larger than 2147483647"),
      ("[0,0,9]", "[0,2147483648,1]", "computed tokens is larger than 2147483647"),
      ("[0,0,9]", "[0,0,99999999999999999999999]", "query_len is larger"),
      ("[0,0,9]", "[0,0,9],[0,9,1]", "request 0 has two rows in one step"),
      ("[0,0,9]", "[0,0]", "unexpected ']'"), ("[0,0,9]", "[0,0,9,9]", "unexpected ','"),
      ("[0,0,9]", "[0,0,9],", "unexpected ']'"),
      ("[0,0,9]", "[0,0,1.5]", "query_len is not a whole"),
      ("[0,0,9]", "[0,0,09]", "query_len is not a whole"), ("[0,0,9]", "7", "unexpected '7'"),
      ("\"step\":5", "\"step\":-5", "\"step\" is negative"),
      ("\"step\":5", "\"step\":\"5\"", "\"step\" is not a whole number"),
      ("\"step\":5", "\"step\":5,\"step\":5", "key \"step\" twice"),
      ("\"step\":5,", "", "\"step\" is missing"),
      (",\"batch\":[[0,0,9]]", "", "\"batch\" is missing"),
      ("\"schedule_start\":1", "\"schedule_start\":-1", "\"schedule_start\" is negative"),
      ("\"schedule_start\":1", "\"schedule_start\":1e99", "\"schedule_start\" is too large"),
      ("\"schedule_start\":1", "\"schedule_start\":9e9", "\"schedule_start\" is too late"),
      ("\"schedule_start\":1", "\"schedule_start\":true", "\"schedule_start\" is not a number"),
      ("\"schedule_start\":1", "\"schedule_start\":2", "\"schedule_end\" is before"),
      ("\"output\":1", "\"output\":0.5", "\"output\" is before"),
      ("\"output\":1", "\"gpu_ms\":1099512", "\"gpu_ms\" is too long"),
      ("\"output\":1", "\"forward_ms\":1e11", "\"forward_ms\" is too long"),
      ("\"output\":1", "\"finished\":[3]", "request 3 is unknown"),
      ("\"kind\":\"step\"", "\"kind\":\"header\"", "a second header"),
      ("\"kind\":\"step\",", "", "\"kind\" is missing"), ("}", "} x", "text after the end"),
      ("}", "", "JSON ends inside a value"), ("\"output\":1", "\"x\":[1,]", "unexpected ']'"),
    ])
  func badStep(old: String, new: String, expected: String) throws {
    let error = try error(replacing: old, with: new)
    #expect(error.line == 3)
    #expect(error.message.hasPrefix("log:3: "))
    #expect(error.message.contains(expected), "\(error.message)")
    #expect(error.kind != .truncated)
  }

  @Test(
    "Lines that contradict the ones before them are refused",
    arguments: [
      (Self.request, "request 0 a second time"), (Self.step, "step 5 after step 5"),
      (#"{"kind":"gap","after_step":4,"dropped_steps":1}"#, "gap after step 4"),
      (#"{"kind":"gap","after_step":5,"dropped_steps":0}"#, "a gap of no steps"),
      (#"{"kind":"gap","after_step":-2,"dropped_steps":1}"#, "\"after_step\" is below -1"),
      (
        #"{"kind":"step","step":6,"schedule_start":0.9,"schedule_end":1,"batch":[]}"#,
        "step 6 was scheduled before the step in front of it"
      ),
      (
        #"{"kind":"request","id":1,"arrival":0,"prompt_tokens":0,"output_tokens":1}"#,
        "at least one prompt token"
      ),
      (
        #"{"kind":"request","id":1,"arrival":0,"prompt_tokens":1073741825,"output_tokens":1}"#,
        "\"prompt_tokens\" is larger than 1073741824"
      ),
    ])
  func contradictions(line: String, expected: String) throws {
    let error = try error(
      [StepLogs.header, Self.request, Self.step, line, ""].joined(separator: "\n"))
    #expect(error.line == 4)
    #expect(error.message.contains(expected), "\(error.message)")
  }

  @Test("A request that arrives after the output of its first step is refused")
  func lateArrival() throws {
    let late = Self.request.replacing("\"arrival\":0", with: "\"arrival\":1.5")
    let error = try error([StepLogs.header, late, Self.step].joined(separator: "\n"))
    #expect(
      error.message == "log:3: request 0 arrives after the output of step 5, its first")
  }

  @Test("A step inside the span of a gap before it is refused")
  func stepInGap() throws {
    let gap = #"{"kind":"gap","after_step":5,"dropped_steps":1}"#
    let error = try error([StepLogs.header, Self.request, gap, Self.step].joined(separator: "\n"))
    #expect(error.message == "log:4: step 5 after a gap behind step 5")
  }

  @Test("A log cut at any byte of its last line is told from a broken one")
  func truncated() throws {
    let start = StepLogs.header + "\n" + Self.request + "\n"
    let step = Array(Self.step.utf8)
    for length in 1..<step.count {
      let error = try #require(throws: TraceImportError.self) {
        try StepLogContents(bytes: Array(start.utf8) + step[..<length])
      }
      #expect(error.kind == .truncated, "after \(length) bytes: \(error.message)")
      #expect(error.line == 3)
    }
  }

  @Test("A line without end is refused before it fills the memory")
  func longLine() throws {
    let line = [UInt8](repeating: UInt8(ascii: " "), count: ImportLimits.lineBytesMax + 1)
    let error = try #require(throws: TraceImportError.self) { try StepLogContents(bytes: line) }
    #expect(error.message.hasPrefix("log:1: line longer than"))
  }
}
