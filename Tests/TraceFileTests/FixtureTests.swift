import FoundationEssentials
import Testing
import TestSupport
import TraceModel

@testable import TraceFile

/// Committed traces and what is in them, to which the Python reader is held as well.
///
/// Files of today's version must be readable for ever; they are renewed only when a sample is added.
@Suite("Committed traces read as they always did")
struct FixtureTests {
  static let samples: [(name: String, recipe: SampleTrace.Recipe, flushEvery: Int)] = [
    ("plain", .init(requests: 12, stepsMax: 80), .max),
    ("synchronous", .init(requests: 12, stepsMax: 60, isAsynchronous: false, unit: 100), 25),
    (
      "odd",
      .init(requests: 20, stepsMax: 120, oddOneIn: 6, unit: 1, hasPrefixBlocks: true), 30
    ),
    ("blocks", .init(requests: 30, stepsMax: 10, hasCounts: false, hasPrefixBlocks: true), 4),
  ]

  private static func path(_ name: String) -> String {
    RepositoryFile.path("Tests/TraceFileTests/Fixtures/\(name)")
  }

  @Test("the values of a committed trace", arguments: samples.map(\.name))
  func values(name: String) throws {
    let path = Self.path("\(name).reprise")
    if ProcessInfo.processInfo.environment[Golden.variable] != nil {
      let sample = try #require(Self.samples.first { $0.name == name })
      try SampleTrace(sample.recipe, seed: 2026).write(to: path, flushEvery: sample.flushEvery)
    }
    let text = try SampleTrace(reading: path).json
    #expect(try Golden.difference(text, from: "\(name).json") == nil)
    #expect(try TraceVerification.verify(path: path).requests > 0)
  }

  @Test("a committed trace, written again, reads the same", arguments: samples.map(\.name))
  func rewritten(name: String) throws {
    let folder = try TemporaryDirectory()
    let trace = try SampleTrace(reading: Self.path("\(name).reprise"))
    try trace.write(to: folder.file("again.reprise"))
    #expect(try SampleTrace(reading: folder.file("again.reprise")) == trace)
  }
}

extension SampleTrace {
  /// All values, one line each for requests, steps and gaps; times in nanoseconds.
  var json: String {
    var lines = ["{\"header\":" + JSONValue.object(header.members).text()]
    lines.append(Self.lines("requests", requests.map(\.fixtureJSON)))
    lines.append(Self.lines("steps", steps.map(\.fixtureJSON)))
    lines.append(
      Self.lines(
        "gaps", gaps.map { .array([.integer($0.afterStep), .integer($0.droppedSteps)]) }))
    return lines.joined(separator: ",\n") + "}\n"
  }

  private static func lines(_ key: String, _ values: [JSONValue]) -> String {
    "\"\(key)\":[\n" + values.map { $0.text() }.joined(separator: ",\n") + "]"
  }
}

extension TraceRequest {
  fileprivate var fixtureJSON: JSONValue {
    .object([
      .init("id", .integer(id.rawValue)), .init("arrival", .integer(arrival.rawValue)),
      .init("prompt_tokens", .integer(Int64(promptTokens.rawValue))),
      .init("output_tokens", .integer(Int64(outputTokens.rawValue))),
      // As texts, because JSON's numbers do not reach 2^64 everywhere.
      .init("prefix_blocks", .array(prefixBlocks.map { .string(String($0)) })),
    ])
  }
}

extension TraceStep {
  fileprivate var fixtureJSON: JSONValue {
    func optional(_ value: Int64?) -> JSONValue { value.map { .integer($0) } ?? .null }
    func list(_ values: [Int32]) -> JSONValue { .array(values.map { .integer(Int64($0)) }) }
    return .object([
      .init("number", .integer(number)),
      .init("schedule_start", .integer(scheduleStart.rawValue)),
      .init("schedule_end", .integer(scheduleEnd.rawValue)),
      .init("output", optional(output?.rawValue)),
      .init("gpu_time", optional(gpuTime?.rawValue)),
      .init("forward_time", optional(forwardTime?.rawValue)),
      .init("waiting", optional(waiting.map(Int64.init))),
      .init("running", optional(running.map(Int64.init))),
      .init("free_kv_blocks", optional(freeKVBlocks.map(Int64.init))),
      .init(
        "rows",
        .array(rows.map { list([$0.request, $0.computed.rawValue, $0.queryLength.rawValue]) })),
      .init("finished", list(finished)), .init("preempted", list(preempted)),
    ])
  }
}
