import TestSupport
import Testing
import TraceModel

/// The tables of a replay say the same as its summary.
@Suite("tables of steps and requests")
struct StepTableTests {
  let folder: TemporaryDirectory
  private let summary: JSONValue
  private let policy = "always-2d"

  init() async throws {
    folder = try TemporaryDirectory()
    let log = try folder.write(StepLogSample().text.utf8, to: "log.jsonl")
    let trace = folder.file("log.reprise")
    _ = await CommandCall("record", log, "--output", trace)
    let call = await CommandCall(
      "replay", trace, "--policy", "always-2d,fastest", "--output", folder.file("results"),
      "--format", "json")
    summary = try JSONValue(parsing: call.output)
  }

  private func table(_ name: String) throws -> [[String: String]] {
    let lines = try folder.text(of: "results/\(name)-\(policy).csv").split(separator: "\n")
    let names = lines[0].split(separator: ",").map(String.init)
    return lines.dropFirst().map { line in
      let cells = line.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
      return Dictionary(uniqueKeysWithValues: zip(names, cells))
    }
  }

  private func total(_ rows: [[String: String]], _ column: String) throws -> Double {
    try rows.reduce(0) { $0 + (try #require($1[column].flatMap(Double.init))) }
  }

  @Test("steps add up to the summary's GPU times and gaps")
  func steps() throws {
    let steps = try table("steps")
    let whole = try #require(summary["policies"]?[policy])
    #expect(steps.count == Int(try #require(whole["steps"]?.double)))
    for (column, key) in [
      ("attention_us", "attention_ms"), ("rest_us", "rest_ms"), ("regret_us", "regret_ms"),
    ] {
      let expected = try #require(whole[key]?.double)
      #expect(abs(try total(steps, column) / 1e3 - expected) < 1e-6 * max(1, expected), "\(key)")
    }
    let gaps = try total(steps, "gaps") + Double(try table("gaps").count)
    #expect(gaps == whole["itl_ms"]?["count"]?.double)
    #expect(gaps > 0)
  }

  @Test("requests have the summary's mean TTFT and tokens")
  func requests() throws {
    let requests = try table("requests")
    let whole = try #require(summary["policies"]?[policy])
    let mean = try total(requests, "ttft_ms") / Double(requests.count)
    let expected = try #require(whole["ttft_ms"]?["mean"]?.double)
    #expect(abs(mean - expected) < 1e-6 * expected)
    #expect(try total(requests, "output_tokens") == whole["output_tokens"]?.double)
  }

  @Test("the gaps of neighbouring steps weighted by requests give the pooled mean ITL")
  func pooledGaps() throws {
    let steps = try table("steps")
    let times = try steps.map { try #require($0["time_s"].flatMap(Double.init)) }
    let counts = try steps.map { try #require($0["gaps"].flatMap(Double.init)) }
    var sum = try total(try table("gaps"), "gap_ms")
    for place in steps.indices.dropFirst() where counts[place] > 0 {
      sum += 1e3 * (times[place] - times[place - 1]) * counts[place]
    }
    let whole = try #require(summary["policies"]?[policy]?["itl_ms"])
    let expected = try #require(whole["mean"]?.double)
    #expect(abs(sum / (try #require(whole["count"]?.double)) - expected) < 1e-6 * expected)
  }
}
