import Testing
import TraceImport
import TraceModel

struct StepLogReaderTests {
  @Test("Every kind of line is read, ids become places, times are exact")
  func everyLine() throws {
    let log = try StepLogContents(StepLogs.canonical)
    #expect(log.header.engine == "vllm")
    #expect(log.header["schema"] == .string("engine-step-log/1"))
    #expect(log.header["kind"] == nil)
    #expect(log.requests.map(\.id.rawValue) == [0, 1, 7])
    #expect(log.requests.map(\.arrival.rawValue) == [0, 5_000, 1_274_125_000])
    #expect(log.requests[1].prefixBlocks == [.max, 0])
    #expect(log.gaps == [TraceGap(afterStep: 1, droppedSteps: 3)])
    #expect(log.notes == [])
    let row = { (request: Int32, computed: Int32, query: Int32) in
      StepRow(
        request: request, computed: TokenCount(computed), queryLength: TokenCount(query))
    }
    #expect(
      log.steps == [
        TraceStep(
          number: 1, scheduleStart: Nanoseconds(1_946_000), scheduleEnd: Nanoseconds(2_060_000),
          output: Nanoseconds(72_335_000), gpuTime: Nanoseconds(70_051_700),
          forwardTime: Nanoseconds(70_000_000), waiting: 0, running: 2,
          rows: [row(0, 0, 1000), row(1, 0, 5)]),
        TraceStep(
          number: 5, scheduleStart: Nanoseconds(2_000_000_000),
          scheduleEnd: Nanoseconds(2_000_010_000), output: Nanoseconds(2_500_000_000), waiting: 1,
          running: 2, freeKVBlocks: 77, rows: [row(2, 0, 3)], preempted: [0], finished: [1]),
        TraceStep(
          number: 6, scheduleStart: Nanoseconds(2_100_000_000),
          scheduleEnd: Nanoseconds(2_100_000_000), rows: [row(0, 2_147_483_646, 1), row(2, 3, 1)]),
      ])
  }

  @Test("The log may come in pieces of any size", arguments: [1, 2, 3, 7, 100, 1000])
  func pieces(size: Int) throws {
    #expect(
      try StepLogContents(StepLogs.canonical, pieceMax: size)
        == StepLogContents(StepLogs.canonical))
  }

  @Test("White space, other key orders, CRLF, blank lines and a missing last line end are all fine")
  func otherForms() throws {
    let text = """
      { "schema" : "engine-step-log/1", "kind" : "header" }\r

      {"output_tokens": 2, "prompt_tokens": 1, "arrival": 1.5e-3, "id": 4, "kind": "request"}\r
      \t{ "batch" : [ [ 4 , 0 , 1 ] ] , "schedule_end" : 2e0 , "schedule_start": 1, "step": 0, \
      "kind": "step", "output": null, "gpu_ms": null, "waiting": null, "preempted": [ ] }
      """
    let log = try StepLogContents(text)
    #expect(log.requests.map(\.arrival.rawValue) == [1_500_000])
    #expect(log.steps.map(\.scheduleEnd.rawValue) == [2_000_000_000])
    #expect(log.steps.map(\.rows.count) == [1])
    #expect(log.steps[0].output == nil)
  }

  @Test(
    "Decimals are read to the nanosecond without a detour through doubles",
    arguments: [
      ("0", 0), ("0.1", 100_000_000), ("0.000000001", 1), ("0.0000000005", 1),
      ("0.00000000049999", 0), ("123456789.123456789", 123_456_789_123_456_789),
      ("5e-05", 50_000), ("1.25E-6", 1250), ("1e3", 1_000_000_000_000), ("7e+0", 7_000_000_000),
      ("0.1000000000000000055511151231257827", 100_000_000), ("1e-30", 0),
      ("3153600000.999999999", 3_153_600_000_999_999_999),
    ])
  func decimals(text: String, expected: Int64) throws {
    let log = try StepLogContents(
      StepLogs.header
        + "\n{\"kind\":\"request\",\"id\":0,\"arrival\":\(text),\"prompt_tokens\":1,\"output_tokens\":1}"
    )
    #expect(log.requests.map(\.arrival.rawValue) == [expected])
  }

  @Test("Unknown kinds of lines and unknown keys are skipped and counted")
  func unknown() throws {
    let text =
      StepLogs.header + "\n" + """
        {"kind":"request","id":0,"arrival":0,"prompt_tokens":1,"output_tokens":1,"user":{"a":[1]}}
        {"kind":"weather","batch":"wet"}
        {"kind":"weather"}
        {"kind":"step","step":1,"schedule_start":0,"schedule_end":0,"batch":[[0,0,1]],"lora":null}
        {"kind":"step","lora":7,"step":2,"schedule_start":0,"schedule_end":0,"batch":[[0,1,1]]}
        {"kind":"gap","after_step":2,"dropped_steps":1,"a key too long for the fast way":0}
        """
    let log = try StepLogContents(text)
    #expect(log.steps.map(\.number) == [1, 2])
    #expect(
      log.notes == [
        #"unknown key "user" skipped"#, #"line of unknown kind "weather" skipped (2 times)"#,
        #"unknown key "lora" skipped (2 times)"#,
        #"unknown key "a key too long for the fast way" skipped"#,
      ])
  }

  @Test("Names from a foreign file cannot break a note or an error into lines")
  func controlCharacters() throws {
    let log = try StepLogContents(StepLogs.header + "\n" + #"{"kind":"a\nb","\u001b":1}"#)
    #expect(log.notes == [#"line of unknown kind "a?b" skipped"#])
    let error = #expect(throws: TraceImportError.self) {
      try Workloads.read("a\u{7}\tb,c\n", .azure)
    }
    #expect(error?.message.contains(#"among "a??b,c""#) == true)
  }

  @Test("Notes are bounded in a log that invents a key on every line")
  func boundedNotes() throws {
    let lines = (0..<1000).map { "{\"kind\":\"k\($0)\"}" }.joined(separator: "\n")
    let notes = try StepLogContents(StepLogs.header + "\n" + lines).notes
    #expect(notes.count == ImportLimits.notesMax + 1)
    #expect(notes.last == "other things skipped (\(1000 - ImportLimits.notesMax) times)")
  }

  @Test("A header without a schema is taken with a note")
  func noSchema() throws {
    let log = try StepLogContents(#"{"kind":"header"}"#)
    #expect(log.notes == ["header names no schema; read as engine-step-log/1"])
    #expect(log.text == "{\"kind\":\"header\",\"schema\":\"engine-step-log/1\"}\n")
  }
}

extension StepLogReaderTests {
  @Test("an end says what a request generated of what it asked for")
  func ends() throws {
    let log = try StepLogContents(
      StepLogs.header + "\n"
        + #"{"kind":"request","id":3,"arrival":0,"prompt_tokens":5,"output_tokens":4096}"# + "\n"
        + #"{"kind":"end","id":3,"output_tokens":0}"# + "\n")
    #expect(log.ends == [0: .zero])
    let error = #expect(throws: TraceImportError.self) {
      try StepLogContents(StepLogs.header + "\n" + #"{"kind":"end","id":3,"output_tokens":1}"#)
    }
    #expect(error?.message.contains("request 3 is unknown") == true)
  }

  /// A log of two early requests, one that arrives at 5.5 s, and of steps with these numbers and rows; `after` goes behind the first step.
  private func log(_ steps: [(Int, String)], after: String = "") throws -> StepLogContents {
    var lines = [StepLogs.header]
    for (id, arrival) in [0, 0, 5.5].enumerated() {
      lines.append(
        #"{"kind":"request","id":\#(id),"arrival":\#(arrival),"prompt_tokens":9,"#
          + #""output_tokens":99}"#)
    }
    for (place, (number, rows)) in steps.enumerated() {
      lines.append(
        #"{"kind":"step","step":\#(number),"schedule_start":\#(number),"schedule_end":\#(number),"#
          + #""batch":[\#(rows)]\#(place == 0 ? after : "")}"#)
    }
    return try StepLogContents(lines.joined(separator: "\n"))
  }

  @Test("Steps that rows show to be missing are a gap, as if its line stood there")
  func impliedGap() throws {
    let log = try log([(1, "[0,0,9]"), (2, "[0,9,1],[1,4,1]"), (8, "[0,15,1]"), (9, "[1,12,1]")])
    #expect(log.gaps == [TraceGap(afterStep: 2, droppedSteps: 5)])
    #expect(log.steps.map(\.number) == [1, 2, 8, 9])
    #expect(log.steps[2].rows.map(\.computed.rawValue) == [15])
    #expect(log.notes.count == 1 && log.notes[0].hasPrefix("steps are missing"), "\(log.notes)")
    let again = try StepLogContents(log.text)
    #expect(again.events == log.events && again.steps == log.steps && again.notes.isEmpty)
  }

  @Test("Numbers without a step between them still have a gap of one")
  func gapWithoutNumbers() throws {
    let log = try log([(1, "[0,0,9]"), (2, "[0,12,1]")])
    #expect(log.gaps == [TraceGap(afterStep: 1, droppedSteps: 1)])
  }

  @Test("A request that begins past its prompt ran in missing steps, if it came later than the log")
  func impliedByNewcomer() throws {
    #expect(
      try log([(1, "[0,0,9]"), (8, "[2,10,1]")]).gaps == [TraceGap(afterStep: 1, droppedSteps: 6)])
    #expect(try log([(1, "[0,0,9]"), (8, "[2,9,1]")]).gaps == [])
    #expect(try log([(1, "[0,0,9]"), (8, "[1,10,1]")]).gaps == [])
    #expect(try log([(8, "[2,10,1]")]).gaps == [])
  }

  @Test("Idle numbers, rows that go back and preempted requests are no gap")
  func noGap() throws {
    #expect(try log([(1, "[0,0,9]"), (8, "[0,9,1]"), (9, "[0,9,4]"), (10, "[0,11,4]")]).gaps == [])
    #expect(try log([(1, "[1,0,9]"), (5, "[1,20,1]")], after: #","preempted":[1]"#).gaps == [])
  }
}
