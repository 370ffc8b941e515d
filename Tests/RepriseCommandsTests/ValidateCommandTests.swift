import ClientLogs
import MachineProfiles
import Reports
import TestSupport
import Testing
import TraceModel

@Suite("reprise validate")
struct ValidateCommandTests {
  private static let stem = RepositoryFile.path("traces/h200/mistral-small-24b-random-qps1")

  private func path(_ run: String) -> String { "\(Self.stem).\(run)" }

  private func json(_ arguments: String...) async throws -> JSONValue {
    try await json(arguments)
  }

  private func json(_ arguments: [String]) async throws -> JSONValue {
    let call = await CommandCall(["validate"] + arguments + ["--format", "json"])
    #expect(call.exitCode == 0, "\(call.errors)")
    return try JSONValue(parsing: call.output)
  }

  @Test("a replay compared with its own result file is without error")
  func roundTrip() async throws {
    let folder = try TemporaryDirectory()
    let trace = path("vllm-default.reprise")
    let replay = await CommandCall(
      "replay", trace, "--policy", "always-2d", "--batches", "rescheduled", "--output",
      folder.path)
    #expect(replay.exitCode == 0, "\(replay.errors)")
    let result = try await json(
      trace, "--client", folder.file("always-2d.json"), "--policy", "always-2d", "--jitter", "0")
    #expect(result["client_format"]?.string == "vllm bench serve")
    for statistic in Statistic.all {
      // The file has seconds, rounded to the nanosecond, and sums of rounded gaps.
      let error = try #require(result["statistics"]?[statistic.name]?["error"]?.double)
      #expect(error.magnitude < 1e-5, "\(statistic.name)")
    }
  }

  @Test("a run is predicted with what its own process had loaded, where its recording is named")
  func warmUp() async throws {
    let run = RepositoryFile.path("traces/h200/mistral-small-24b-burst-100.")
    func error(_ more: String...) async throws -> Double {
      let result = try await json(
        [
          run + "always-2d.reprise", "--client", run + "vllm-default.client.jsonl.zst", "--policy",
          "vllm-0.13", "--jitter", "0", "--timing", "profile",
        ] + more)
      return try #require(result["statistics"]?["ttft-mean"]?["error"]?.double)
    }
    // The trace's process had a kernel for its second step; the run's waited for it.
    #expect(try await error("--steps", run + "vllm-default.reprise").magnitude < 0.05)
    #expect(try await error() < -0.1)
  }

  @Test("the terms of every error add up to it, under the trace's own policy and another")
  func terms() async throws {
    let own = try await json(
      path("always-2d.reprise"), "--client", path("always-2d.client.jsonl.zst"), "--jitter", "0")
    let other = try await json(
      path("vllm-default.reprise"), "--client", path("always-2d.client.jsonl.zst"), "--policy",
      "always-2d", "--steps", path("always-2d.reprise"), "--jitter", "2")
    for result in [own, other] {
      for statistic in Statistic.all {
        let sources = try #require(result["sources"]?[statistic.name])
        let terms = ["scheduling", "attention", "rest", "variation", "host", "client"]
          .compactMap { sources[$0]?.double }
        let total = try #require(sources["total"]?.double)
        #expect(terms.count == 6)
        #expect((terms.reduce(0, +) - total).magnitude < 1e-6, "\(statistic.name)")
      }
      #expect(try #require(result["steps"]?["decode"]?["mape"]?.double) < 0.05)
      #expect(try #require(result["divergence"]?["recorded_steps"]?.int) > 0)
    }
    #expect(own["recorded_policy"]?.string == "always-2d")
    #expect(own["differences"] == .object([]))
    let difference = try #require(other["differences"]?["itl-mean"])
    let predicted = try #require(difference["predicted"]?.double)
    let real = try #require(difference["real"]?.double)
    #expect((predicted / real - 1).magnitude < 0.25)
    #expect(try #require(difference["low"]?.double) < predicted)
  }

  @Test("equal arrivals stand in the order of sending that the log has, whatever its tokens did")
  func sendingOrder() async throws {
    let stem = RepositoryFile.path("traces/h200/mistral-small-24b-mooncake-26")
    let log = try ClientLog(
      bytes: RepositoryFile.bytes(
        "traces/h200/mistral-small-24b-mooncake-26.always-2d.client.jsonl.zst"), source: "log")
    let folder = try TemporaryDirectory()
    func predicted(
      _ name: String, _ change: ([ClientRequest]) -> [ClientRequest]
    ) async throws -> Double {
      let lines = change(log.requests).map { request in
        var times = [request.ttft]
        for gap in request.gaps ?? [] { times.append(times[times.count - 1] + gap) }
        let tokens = times.map { "\($0.seconds)" }.joined(separator: ",")
        return #"{"kind":"client","id":\#(request.id),"send":\#(request.sent?.seconds ?? 0),"#
          + #""tokens":[\#(tokens)]}"#
      }
      let file = try folder.write(Array((lines.joined(separator: "\n") + "\n").utf8), to: name)
      let result = try await json(
        "\(stem).vllm-default.reprise", "--client", file, "--policy", "always-2d", "--jitter", "0")
      return try #require(result["statistics"]?["ttft-p50"]?["predicted"]?.double)
    }
    let own = try await predicted("own.jsonl") { $0 }
    let slower = try await predicted("slower.jsonl") { requests in
      requests.map { request in
        var slow = request
        slow.ttft = Nanoseconds(request.ttft.rawValue * 3)
        return slow
      }
    }
    let reversed = try await predicted("reversed.jsonl") { requests in
      // Ten are sent at once at first: the last of them now comes first.
      let first = requests.filter { ($0.sent?.seconds ?? 1) < 0.1 }.compactMap(\.sent).sorted()
      return requests.map { request in
        guard let place = request.sent.flatMap(first.firstIndex) else { return request }
        var other = request
        other.sent = first[first.count - 1 - place]
        return other
      }
    }
    #expect(own == slower)
    #expect((reversed / own - 1).magnitude > 0.02)
    let real = try await json(
      "\(stem).vllm-default.reprise", "--client", "\(stem).always-2d.client.jsonl.zst", "--policy",
      "always-2d", "--jitter", "0")
    #expect(try #require(real["statistics"]?["ttft-p50"]?["error"]?.double).magnitude < 0.08)
  }

  @Test("the same call prints the same bytes, another seed moves arrivals otherwise")
  func deterministic() async throws {
    let arguments = [
      "validate", path("always-2d.reprise"), "--client", path("always-2d.client.jsonl.zst"),
      "--jitter", "2",
    ]
    let one = await CommandCall(arguments)
    let two = await CommandCall(arguments)
    let three = await CommandCall(arguments + ["--seed", "1"])
    #expect(one.exitCode == 0 && one.output == two.output)
    #expect(three.output != one.output)
  }

  @Test("several real runs in one call say of each what a call of its own does")
  func severalRuns() async throws {
    func run(_ policy: String, _ name: String) -> [String] {
      [
        "--policy", policy, "--client", path("\(name).client.jsonl.zst"), "--steps",
        path("\(name).reprise"),
      ]
    }
    let start = ["validate", path("always-2d.reprise"), "--jitter", "1", "--format", "json"]
    let runs = [run("always-2d", "always-2d"), run("vllm-0.13", "vllm-default")]
    var single: [JSONValue] = []
    for run in runs {
      single.append(try JSONValue(parsing: await CommandCall(start + run).output))
    }
    let together = await CommandCall(start + runs.flatMap { $0 })
    #expect(together.exitCode == 0, "\(together.errors)")
    #expect(try JSONValue(parsing: together.output) == .array(single))
    // Without their recordings both are the trace's own or unknown, as in a call of one.
    let text = await CommandCall(
      "validate", path("always-2d.reprise"), "--jitter", "0", "--policy", "always-2d,vllm-0.13",
      "--client", path("always-2d.client.jsonl.zst"), "--client",
      path("vllm-default.client.jsonl.zst"))
    #expect(text.exitCode == 0, "\(text.errors)")
    let lines = text.output.split(separator: "\n")
    #expect(lines.count { $0.hasPrefix("GPU time of steps") } == 1)
    let few = await CommandCall(
      start + runs.flatMap { $0 } + ["--client", path("always-2d.client.jsonl.zst")])
    #expect(few.exitCode == 2 && few.hasOneErrorLine, "\(few.errors)")
  }

  @Test("an error past its bound is exit code 1 with one line, behind the whole report")
  func bounds() async throws {
    let arguments = [
      "validate", path("always-2d.reprise"), "--client", path("always-2d.client.jsonl.zst"),
      "--jitter", "0", "--bound",
    ]
    let held = await CommandCall(arguments + ["itl-mean=5,throughput=5", "--bound", "ttft-p50=50"])
    #expect(held.exitCode == 0, "\(held.errors)")
    let broken = await CommandCall(arguments + ["itl-mean=0,throughput=5"])
    #expect(broken.exitCode == 1)
    #expect(broken.hasOneErrorLine && broken.errors.contains("itl-mean is"))
    #expect(broken.output.contains("TOO FAR"))
  }

  @Test(
    "a wrong call is one line and exit code 2",
    arguments: [
      ["--bound", "itl-mean"], ["--bound", "itl-mean=x"], ["--bound", "itl-p42=1"],
      ["--bound", "itl-mean=-1"], ["--policy", "always-2d,always-3d"],
      ["--policy", "no-such-rule"],
      ["--jitter", "-1"], ["--batches", "none"], ["--rest", "none"],
    ])
  func wrongCalls(arguments: [String]) async {
    let call = await CommandCall(
      ["validate", path("always-2d.reprise"), "--client", path("always-2d.client.jsonl.zst")]
        + arguments)
    #expect(call.exitCode == 2)
    #expect(call.hasOneErrorLine, "\(call.errors)")
  }

  @Test("a log that cannot be used is one line and exit code 1")
  func unusableLogs() async throws {
    let folder = try TemporaryDirectory()
    let whole = try RepositoryFile.bytes(
      "traces/h200/mistral-small-24b-random-qps1.always-2d.client.jsonl.zst")
    let logs = [
      folder.file("absent"), try folder.write([], to: "empty"),
      try folder.write(whole.dropLast(100), to: "cut.zst"),
      try folder.write(Array(#"{"kind":"client","id":0}"#.utf8), to: "poor.jsonl"),
      RepositoryFile.path("traces/h200/mistral-small-24b-random-qps5.always-2d.client.jsonl.zst"),
      path("always-2d.reprise"),
    ]
    for log in logs {
      let call = await CommandCall("validate", path("always-2d.reprise"), "--client", log)
      #expect(call.exitCode == 1, "\(log)")
      #expect(call.hasOneErrorLine, "\(call.errors)")
    }
  }

  @Test("the recording of a run under another policy is refused as the client's own")
  func wrongSteps() async {
    let call = await CommandCall(
      "validate", path("always-2d.reprise"), "--client", path("vllm-default.client.jsonl.zst"),
      "--policy", "vllm-0.13", "--steps", path("always-2d.reprise"))
    #expect(call.exitCode == 1)
    #expect(call.hasOneErrorLine && call.errors.contains("recorded under 'always-2d'"))
  }

  @Test("a log of the trace's own run is refused under a policy that chooses otherwise")
  func ownLog() async {
    for (policy, code) in [("vllm-0.13", 1), ("split-up-to:0", 0)] {
      let call = await CommandCall(
        "validate", path("always-2d.reprise"), "--client", path("always-2d.client.jsonl.zst"),
        "--policy", policy, "--jitter", "0")
      #expect(call.exitCode == Int32(code), "\(policy)")
      #expect(call.errors.contains("recorded under 'always-2d'") == (code == 1), "\(call.errors)")
    }
    // One request has a delay like its own; its first and last token tell the runs apart.
    let single = RepositoryFile.path("traces/h200/mistral-small-24b-latency-500-1500")
    let other = await CommandCall(
      "validate", single + ".always-2d.reprise", "--client",
      single + ".vllm-default.client.jsonl.zst", "--policy", "vllm-0.13", "--jitter", "0")
    #expect(other.exitCode == 0, "\(other.errors)")
  }

  @Test("recorded batches follow no arrivals, so none are said to have been moved")
  func recordedNoise() async {
    for (batches, isMoved) in [("recorded", false), ("rescheduled", true)] {
      let call = await CommandCall(
        "validate", path("always-2d.reprise"), "--client", path("always-2d.client.jsonl.zst"),
        "--batches", batches, "--jitter", "1")
      #expect(call.exitCode == 0, "\(call.errors)")
      #expect(call.output.contains("with arrivals moved by") == isMoved)
    }
  }

  @Test("a rule that chooses as the recorded one did has that one's recording for its own")
  func sameChoices() async throws {
    let result = try await json(
      path("always-2d.reprise"), "--client", path("vllm-default.client.jsonl.zst"), "--policy",
      "vllm-0.33", "--steps", path("vllm-default.reprise"), "--jitter", "0")
    #expect(result["steps"]?["decode"] != .null)
  }

  @Test(
    "another run's log is told by when tokens came, and its error is not put down to this trace")
  func anotherRun() async throws {
    let stem = RepositoryFile.path("traces/h200/mistral-small-24b-random-qps5")
    func notes(_ client: String) async throws -> (text: String, steps: JSONValue?) {
      let result = try await json(
        stem + ".always-2d.reprise", "--client", stem + client, "--jitter", "0")
      return (result["notes"]?.text() ?? "", result["steps"])
    }
    let own = try await notes(".always-2d.client.jsonl.zst")
    #expect(!own.text.contains("another run"))
    #expect(own.steps != .null)
    let other = try await notes("-warm.always-2d.client.jsonl.zst")
    #expect(other.text.contains("another run"))
    #expect(other.steps == .null)
  }

  @Test("requests that the modelled engine cannot serve are left out on both sides, and counted")
  func unserved() async throws {
    let folder = try TemporaryDirectory()
    let engine = try folder.write(
      Array("base: mistral-small-24b@nvidia-h200\nname: short\nkv_cache_tokens: 2000\n".utf8),
      to: "short.yaml")
    let stem = RepositoryFile.path("traces/h200/mistral-small-24b-mix-qps3.always-2d")
    let result = try await json(
      stem + ".reprise", "--client", stem + ".client.jsonl.zst", "--jitter", "0", "--engine", engine
    )
    let (left, compared) = (result["left_out_requests"]?.int, result["requests"]?.int)
    #expect(try #require(left) > 10)
    #expect(try #require(left) + #require(compared) == 81)
    #expect(result["notes"]?.text().contains("too long for the modelled engine") == true)
  }

  @Test("how far sendings move from run to run is what the committed logs show")
  func sendingJitter() throws {
    var differences: [Int64] = []
    for workload in ["random-qps1", "random-qps5", "random-qps7", "mooncake-26"] {
      let runs = try ["always-2d", "flash-attention-3", "vllm-default"].compactMap { run in
        let path = "traces/h200/mistral-small-24b-\(workload).\(run).client.jsonl.zst"
        guard try RepositoryFile.tracked().contains(path) else { return nil as [Int64: Int64]? }
        let log = try ClientLog(bytes: RepositoryFile.bytes(path), source: path)
        return Dictionary(
          uniqueKeysWithValues: log.requests.map { ($0.id, $0.sent?.rawValue ?? 0) })
      }
      for (place, one) in runs.enumerated() {
        for other in runs[(place + 1)...] {
          differences += one.keys.map { abs((one[$0] ?? 0) - (other[$0] ?? 0)) }
        }
      }
    }
    differences.sort()
    let measured = differences[Int(0.9 * Double(differences.count - 1))]
    let stated = try #require(NoiseFloor(json: MeasuredNoise.json())).sendingDifference.rawValue
    #expect(abs(measured - stated) < 1_000, "\(measured) ns against \(stated)")
  }

  @Test("replays with moved arrivals widen the floor of a replay's differences")
  func replayJitter() async throws {
    func floors(_ more: String...) async throws -> [Double?] {
      let call = await CommandCall(
        [
          "replay", path("vllm-default.reprise"), "--policy", "always-2d,vllm-0.13", "--batches",
          "rescheduled", "--format", "json",
        ] + more)
      #expect(call.exitCode == 0, "\(call.errors)")
      guard case .array(let all)? = try JSONValue(parsing: call.output)["comparisons"] else {
        return []
      }
      return all.map { $0["noise_floor"]?.double }
    }
    let measured = try await floors()
    let moved = try await floors("--jitter", "3")
    // TTFT and ITL were measured; TPOT and E2EL are known by replays alone.
    #expect(measured.map { $0 != nil } == [true, true, false, false, false])
    #expect(moved.map { $0 != nil } == [true, true, true, true, false])
    for (one, other) in zip(measured, moved) {
      if let one, let other { #expect(other >= one * (1 - 1e-9)) }
    }
    let refused = await CommandCall(
      "replay", path("vllm-default.reprise"), "--policy", "always-2d", "--jitter", "1")
    #expect(refused.exitCode == 2 && refused.hasOneErrorLine)
  }

  @Test("a replay says where its batches part from the recorded ones, and knows the noise floor")
  func replayReport() async throws {
    let call = await CommandCall(
      "replay", path("vllm-default.reprise"), "--policy", "vllm-0.13,vllm-0.33", "--batches",
      "rescheduled", "--format", "json")
    let json = try JSONValue(parsing: call.output)
    let divergence = try #require(json["divergence"]?["vllm-0.13"])
    #expect(divergence["recorded_steps"]?.int ?? 0 > 0)
    #expect(json["noise_floor"]?["repeated_runs"]?["itl-mean"]?.double == 0.001)
    let recorded = await CommandCall(
      "replay", path("vllm-default.reprise"), "--policy", "vllm-0.13", "--format", "json")
    #expect(try JSONValue(parsing: recorded.output)["divergence"] == .object([]))
  }
}
