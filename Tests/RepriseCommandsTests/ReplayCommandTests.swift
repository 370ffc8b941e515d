import TestSupport
import Testing
import TraceModel

@Suite("The main job")
struct ReplayCommandTests {
  let folder: TemporaryDirectory
  let trace: String
  private let policies = ["--policy", "always-2d,vllm-0.9.2,vllm-0.13,fastest"]

  init() async throws {
    folder = try TemporaryDirectory()
    let log = try folder.write(StepLogSample().text.utf8, to: "run.jsonl")
    trace = folder.file("run.reprise")
    _ = await CommandCall("record", log, "--output", trace)
  }

  private func replay(_ arguments: String...) async -> CommandCall {
    await CommandCall(["replay", trace] + policies + arguments)
  }

  @Test(
    "recorded and rescheduled batches give every request its tokens",
    arguments: [
      "recorded", "rescheduled",
    ])
  func bothModes(batches: String) async throws {
    let call = await replay("--batches", batches, "--format", "json")
    #expect(call.exitCode == 0, "\(call.errors)")
    let json = try JSONValue(parsing: call.output)
    #expect(json["batches"] == .string(batches))
    #expect(json["timing"] == .string("profile"))
    for policy in ["always-2d", "vllm-0.9.2", "vllm-0.13", "fastest"] {
      let summary = try #require(json["policies"]?[policy], "\(policy)")
      #expect(summary["request_ends"]?["finished"] == .integer(6))
      #expect(summary["output_tokens"] == .integer(120))
      #expect(summary["itl_ms"]?["count"] == .integer(6 * 19))
    }
    let fastest = json["policies"]?["fastest"]?["regret_ms"]?.double
    #expect(fastest == 0)
  }

  /// Batches of one kind are what a trace cannot be replayed with.
  private func expectRefusal(of batches: String, for path: String) async {
    let call = await CommandCall("replay", path, "--policy", "always-2d", "--batches", batches)
    #expect(call.exitCode == 1)
    #expect(call.hasOneErrorLine, "\(call.errors)")
  }

  /// A trace of the sample log with something else in it.
  private func traceReplacing(_ text: String, with other: String) async throws -> String {
    let log = StepLogSample().text.replacing(text, with: other)
    let path = folder.file("other.reprise")
    let call = await CommandCall(
      "record", try folder.write(log.utf8, to: "other.jsonl"), "--output", path)
    #expect(call.exitCode == 0, "\(call.errors)")
    return path
  }

  @Test("tokens that were proposed are no tokens, so such a run is replayed as recorded alone")
  func speculation() async throws {
    let path = try await traceReplacing(
      #""tensor_parallel":1"#, with: #""tensor_parallel":1,"speculative_tokens":3"#)
    let recorded = await CommandCall("replay", path, "--policy", "always-2d,vllm-0.33")
    #expect(recorded.exitCode == 0, "\(recorded.errors)")
    #expect(recorded.output.contains("recorded with speculative decoding"))
    #expect(!recorded.output.contains("rescheduled: mean ITL"))
    #expect(!recorded.output.contains("answer"))
    await expectRefusal(of: "rescheduled", for: path)
  }

  @Test("what a recorded engine found in its prefix cache is found again where no block has a name")
  func prefixHits() async throws {
    let path = try await traceReplacing(
      #""prefix_caching":false"#, with: #""prefix_caching":true"#)
    let log = try String(decoding: folder.bytes(of: "other.jsonl"), as: UTF8.self)
    // The fourth prompt, of 1,300 tokens.
    let hit = try folder.write(
      log.replacing("[3,0,1300]", with: "[3,1024,276]").utf8, to: "hit.jsonl")
    #expect(await CommandCall("record", hit, "--output", path).exitCode == 0)
    for batches in ["recorded", "rescheduled"] {
      let call = await CommandCall(
        "replay", path, "--policy", "always-2d", "--batches", batches, "--format", "json")
      let json = try JSONValue(parsing: call.output)
      #expect(json["policies"]?["always-2d"]?["prefix_hit_tokens"]?.int == 1024, "\(batches)")
    }
  }

  @Test("a trace with steps is replayed as recorded unless the call says otherwise")
  func defaultBatches() async throws {
    let json = try JSONValue(parsing: await replay("--format", "json").output)
    #expect(json["batches"] == .string("recorded"))
  }

  @Test("the same call gives the same bytes, whichever thread is first")
  func deterministic() async {
    let first = await replay("--batches", "rescheduled", "--format", "json").output
    for _ in 0..<3 {
      #expect(await replay("--batches", "rescheduled", "--format", "json").output == first)
    }
  }

  @Test("results go to a directory, each file under its final name alone")
  func output() async throws {
    let directory = folder.file("results")
    let call = await replay("--output", directory, "--format", "json")
    #expect(call.exitCode == 0, "\(call.errors)")
    let again = await replay("--output", directory)
    #expect(again.exitCode == 0, "\(again.errors)")
    let listing = try Subprocess.run("ls", [directory]).output.split(separator: "\n")
    #expect(
      Set(listing).isSuperset(of: [
        "always-2d.json", "fastest.json", "summary.json", "vllm-0.13.json", "vllm-0.9.2.json",
      ]))
    #expect(listing.count == 4 * 4 + 1 && !listing.contains { $0.hasSuffix(".partial") })
    #expect(try folder.text(of: "results/summary.json") == call.output)
    let detailed = try JSONValue(parsing: try folder.text(of: "results/vllm-0.13.json"))
    let summary = try JSONValue(parsing: call.output)
    #expect(detailed["mean_itl_ms"] == summary["policies"]?["vllm-0.13"]?["itl_ms"]?["mean"])
    #expect(detailed["completed"] == .integer(6))
  }

  @Test("a window of a recording counts what it cuts")
  func window() async throws {
    let call = await replay("--from", "0.1", "--to", "0.3", "--format", "json")
    #expect(call.exitCode == 0, "\(call.errors)")
    let ends = try JSONValue(parsing: call.output)["policies"]?["fastest"]?["request_ends"]
    #expect((ends?["cut_by_window"]?.int ?? 0) > 0)
  }

  @Test("a window of recorded steps has its own length and requests, and says that it is of steps")
  func stepWindow() async throws {
    let trace = RepositoryFile.path(
      "traces/h200/mistral-small-24b-random-qps5.vllm-default.reprise")
    let call = await CommandCall(
      "replay", trace, "--policy", "always-2d", "--from", "20", "--to", "30", "--output",
      folder.file("window"))
    #expect(call.exitCode == 0, "\(call.errors)")
    #expect(call.output.contains("only steps from 20.0 s to 30.0 s"))
    let report = try JSONValue(parsing: try folder.text(of: "window/summary.json"))
    let summary = try #require(report["policies"]?["always-2d"])
    let requests = try #require(summary["requests"]?.int)
    #expect(requests > 40 && requests < 80)
    #expect(report["trace_requests"]?.int == requests)
    let result = try JSONValue(parsing: try folder.text(of: "window/always-2d.json"))
    #expect(result["num_prompts"]?.int == requests)
    #expect(result["failed"] == .integer(0))
    #expect((9.5...11).contains(try #require(result["duration"]?.double)))
    #expect((380...480).contains(try #require(result["output_throughput"]?.double)))
  }

  @Test("requests outside a window of arrivals are not in the count")
  func arrivalWindow() async throws {
    let call = await replay(
      "--batches", "rescheduled", "--from", "0.1", "--max-requests", "2", "--format", "json")
    let summary = try JSONValue(parsing: call.output)["policies"]?["fastest"]
    #expect(summary?["request_ends"]?["finished"] == .integer(2))
    #expect(summary?["request_ends"]?["cut_by_window"] == .integer(0))
    #expect(summary?["requests"] == .integer(2))
  }

  @Test("faster arrivals raise the load of a rescheduled replay")
  func timeScale() async throws {
    func duration(_ scale: String) async throws -> Double {
      let call = await replay(
        "--batches", "rescheduled", "--time-scale", scale, "--format", "json")
      return try #require(
        JSONValue(parsing: call.output)["policies"]?["always-2d"]?["duration_s"]?.double)
    }
    #expect(try await duration("4") < duration("0.5"))
  }

  @Test("a rule from a file is a policy like any other")
  func rule() async throws {
    let rule = try folder.write(
      """
      name: never-split
      default: triton-2d
      """.utf8, to: "rule.yaml")
    let call = await CommandCall(
      "replay", trace, "--policy", "always-2d", "--rule", rule, "--format", "json")
    #expect(call.exitCode == 0, "\(call.errors)")
    let policies = try JSONValue(parsing: call.output)["policies"]
    #expect(policies?["never-split"]?["itl_ms"] == policies?["always-2d"]?["itl_ms"])
    #expect(!call.output.contains("looks at KV lengths"))
  }

  @Test("a rule that no captured graph can follow is replayed with a note")
  func ruleBeyondGraphs() async throws {
    let rule = try folder.write(
      """
      name: by-length
      rules:
        - when: {max_kv_length: {above: 2000}}
          use: triton-3d-16
      default: triton-2d
      """.utf8, to: "by-length.yaml")
    for (mode, isNoted) in [("FULL_AND_PIECEWISE", true), ("PIECEWISE", false)] {
      let engine = try folder.write(
        "base: mistral-small-24b@nvidia-h200\ncuda_graph_mode: \(mode)\n".utf8, to: "engine.yaml")
      let call = await CommandCall(
        "replay", trace, "--policy", "always-2d", "--rule", rule, "--engine", engine)
      #expect(call.exitCode == 0, "\(call.errors)")
      #expect(call.output.contains("'by-length' looks at KV lengths") == isNoted, "\(call.output)")
    }
  }

  @Test("a set for the oracle may be written among other policies")
  func oracleSet() async throws {
    let call = await CommandCall(
      "replay", trace, "--policy", "fastest:triton-2d,flash-attention-3,always-2d", "--format",
      "json")
    #expect(call.exitCode == 0, "\(call.errors)")
    guard case .object(let members)? = try JSONValue(parsing: call.output)["policies"] else {
      Issue.record("no policies")
      return
    }
    #expect(members.map(\.key) == ["fastest:triton-2d,flash-attention-3", "always-2d"])
  }

  @Test("arrivals alone are rescheduled on the default engine, and the report says so")
  func arrivalsAlone() async throws {
    let arrivals = folder.file("arrivals.reprise")
    let generated = await CommandCall(
      "generate", "random", "--rate", "4", "--prompt", "500", "--output-tokens", "20",
      "--requests", "12", "--seed", "3", "--output", arrivals)
    #expect(generated.exitCode == 0, "\(generated.errors)")
    let call = await CommandCall("replay", arrivals, "--policy", "vllm-0.13")
    #expect(call.exitCode == 0, "\(call.errors)")
    #expect(call.output.contains("rescheduled"))
    #expect(call.output.contains("mistral-small-24b@nvidia-h200"))
    await expectRefusal(of: "recorded", for: arrivals)
  }

  @Test("replaying a recording under its own policy gives its token times back")
  func ownPolicy() async throws {
    let call = await CommandCall("replay", trace, "--policy", "vllm-0.13", "--format", "json")
    let mean = try #require(
      JSONValue(parsing: call.output)["policies"]?["vllm-0.13"]?["itl_ms"]?["mean"]?.double)
    let recorded = StepLogSample().meanITLMilliseconds
    #expect(abs(mean / recorded - 1) < 0.05, "\(mean) ms against \(recorded) ms")
  }
}
