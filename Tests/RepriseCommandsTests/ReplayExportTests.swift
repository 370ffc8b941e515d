import TestSupport
import Testing
import TraceModel

@Suite("A replay is exported")
struct ReplayExportTests {
  private static let trace = RepositoryFile.path(
    "traces/h200/mistral-small-24b-mooncake-26.vllm-default.reprise")

  private static func folder() async throws -> TemporaryDirectory {
    let folder = try TemporaryDirectory()
    let call = await CommandCall(
      "replay", trace, "--policy", "always-2d,vllm-0.33", "--timing", "profile", "--output",
      folder.path, "--export", "perfetto,aiperf")
    #expect(call.exitCode == 0, "\(call.errors)")
    return folder
  }

  @Test("as a timeline with each step's attention and rest inside it, and every request")
  func timeline() async throws {
    let folder = try await Self.folder()
    let summary = try JSONValue(parsing: try folder.bytes(of: "summary.json"))
    for policy in ["always-2d", "vllm-0.33"] {
      let timeline = try JSONValue(parsing: try folder.bytes(of: "timeline-\(policy).json"))
      let events = try #require(timeline["traceEvents"]?.elements)
      let slices = events.filter { $0["ph"]?.string == "X" }
      let steps = slices.filter { $0["name"]?.string?.hasPrefix("step ") == true }
      #expect(steps.count == summary["policies"]?[policy]?["steps"]?.int)
      let kernels = slices.filter { $0["name"]?.string?.hasPrefix("triton-") == true }
      let attention = kernels.reduce(0) { $0 + ($1["dur"]?.double ?? 0) } / 1e3
      let expected = try #require(summary["policies"]?[policy]?["attention_ms"]?.double)
      #expect(abs(attention - expected) < 1e-6 * expected)
      var last = -Double.infinity
      for step in steps {
        let start = try #require(step["ts"]?.double)
        #expect(start >= last - 0.002, "steps overlap on the GPU")
        last = start + (step["dur"]?.double ?? 0)
      }
      let begins = events.filter { $0["ph"]?.string == "b" }
      #expect(begins.count { $0["name"]?.string == "decode" } == 26)
      #expect(begins.count == events.count { $0["ph"]?.string == "e" })
    }
  }

  @Test("in AIPerf's shape, with the same figures as the summary")
  func aiperf() async throws {
    let folder = try await Self.folder()
    let summary = try JSONValue(parsing: try folder.bytes(of: "summary.json"))
    let policy = try #require(summary["policies"]?["vllm-0.33"])
    let records = try folder.text(of: "aiperf-vllm-0.33/profile_export.jsonl").split(
      separator: "\n"
    )
    .map { try JSONValue(parsing: Array($0.utf8)) }
    #expect(records.count == policy["requests"]?["finished"]?.int ?? records.count)
    let gaps = records.flatMap { record in
      (record["metrics"]?["inter_chunk_latency"]?["value"]?.elements ?? []).compactMap(\.double)
    }
    let itl = try #require(policy["itl_ms"]?["mean"]?.double)
    #expect(abs(gaps.reduce(0, +) / Double(gaps.count) - itl) < 1e-6)
    let export = try JSONValue(
      parsing: try folder.bytes(of: "aiperf-vllm-0.33/profile_export_aiperf.json"))
    for (name, key) in [
      ("time_to_first_token", "ttft_ms"), ("request_latency", "e2el_ms"),
      ("inter_token_latency", "tpot_ms"),
    ] {
      for (own, theirs) in [("mean", "avg"), ("p50", "p50"), ("p99", "p99"), ("max", "max")] {
        let a = try #require(policy[key]?[own]?.double)
        let b = try #require(export[name]?[theirs]?.double)
        #expect(abs(a - b) < 1e-6 * abs(a), "\(name) \(own): \(a) and \(b)")
      }
    }
  }

  @Test(
    "or not, where the call is wrong",
    arguments: [["--export", "perfetto"], ["--export", "otlp", "--output", "/tmp/none"]])
  func refused(options: [String]) async {
    let call = await CommandCall(
      ["replay", Self.trace, "--policy", "always-2d", "--timing", "profile"] + options)
    #expect(call.exitCode == 2)
    #expect(call.hasOneErrorLine, "\(call.errors)")
  }
}
