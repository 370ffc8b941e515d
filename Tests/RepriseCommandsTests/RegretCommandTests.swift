import TestSupport
import Testing
import TraceModel

@Suite("Regret is shown")
struct RegretCommandTests {
  private static let trace = RepositoryFile.path(
    "traces/h200/mistral-small-24b-mooncake-26.vllm-default.reprise")

  private static func report(_ options: String...) async throws -> JSONValue {
    let call = await CommandCall(
      ["regret", trace, "--timing", "profile", "--format", "json"] + options)
    #expect(call.exitCode == 0, "\(call.errors)")
    return try JSONValue(parsing: Array(call.output.utf8))
  }

  @Test("by kind, rows, length and skew, with the worst batches")
  func text() async throws {
    let call = await CommandCall(
      "regret", Self.trace, "--policy", "always-2d", "--timing", "profile", "--worst", "2")
    #expect(call.exitCode == 0, "\(call.errors)")
    let text = call.output.split(separator: "\n", omittingEmptySubsequences: false)
      .dropFirst().joined(separator: "\n")
    #expect(try Golden.difference(text, from: "regret.txt") == nil)
  }

  @Test("and every class adds up to the whole, whatever it is told apart by")
  func sums() async throws {
    let report = try await Self.report("--policy", "always-2d")
    guard case .object(let breakdowns)? = report["breakdowns"] else {
      Issue.record("no breakdowns")
      return
    }
    #expect(breakdowns.map(\.key) == ["kind of batch", "rows", "longest row", "skew"])
    for breakdown in breakdowns {
      let classes = breakdown.value.elements ?? []
      for (key, whole) in [
        ("steps", report["steps"]?.double), ("regret_ms", report["regret_ms"]?.double),
        ("mean_ttft_ms", report["ttft_ms"]?["in_attention"]?.double),
        ("mean_itl_ms", report["itl_ms"]?["in_attention"]?.double),
      ] {
        let sum = classes.reduce(0) { $0 + ($1[key]?.double ?? .nan) }
        #expect(
          abs(sum - (try #require(whole))) < 1e-6 * max(1, abs(sum)), "\(breakdown.key) \(key)")
      }
    }
  }

  @Test("and on recorded batches it explains the whole difference in ITL, and in TTFT")
  func explained() async throws {
    let report = try await Self.report("--policy", "always-2d")
    for metric in ["itl_ms", "ttft_ms"] {
      let difference = try #require(report[metric]?["difference"]?.double)
      let direct = try #require(report[metric]?["in_attention"]?.double)
      #expect(difference > 0)
      #expect(abs(direct - difference) < 0.02 * difference, "\(metric): \(direct) of \(difference)")
    }
  }

  @Test("and a replay beside the fastest says the same of each policy")
  func inReplay() async throws {
    func replay(_ policies: String, _ format: String) async -> String {
      await CommandCall(
        "replay", Self.trace, "--policy", policies, "--timing", "profile", "--format", format
      ).output
    }
    let alone = try await Self.report("--policy", "always-2d")
    let beside = try JSONValue(parsing: Array((await replay("always-2d,fastest", "json")).utf8))
    let policy = try #require(beside["policies"]?["always-2d"])
    let regret = try #require(policy["regret"])
    #expect(regret["all"]?["regret_ms"] == policy["regret_ms"])
    #expect(regret["over"] == alone["over"])
    #expect(regret["slower_steps"] == alone["slower_steps"])
    #expect(regret["breakdowns"] == alone["breakdowns"])
    let groups = try #require(regret["groups"]?.elements)
    #expect(!groups.isEmpty && groups == Array((alone["groups"]?.elements ?? []).prefix(8)))
    #expect(beside["policies"]?["fastest"]?["regret"]?["all"]?["regret_ms"]?.double == 0)
    #expect(await replay("always-2d,fastest", "text").contains("above the fastest"))
    #expect(!(await replay("always-2d,vllm-0.33", "text").contains("above the fastest")))
  }

  @Test("with intervals that hold each class's part")
  func intervals() async throws {
    let report = try await Self.report("--policy", "always-2d")
    guard case .object(let breakdowns)? = report["breakdowns"] else {
      Issue.record("no breakdowns")
      return
    }
    var wide = 0
    for entry in breakdowns.flatMap({ $0.value.elements ?? [] }) {
      for metric in ["mean_ttft", "mean_itl"] {
        let part = try #require(entry["\(metric)_ms"]?.double)
        let low = try #require(entry["\(metric)_low_ms"]?.double)
        let high = try #require(entry["\(metric)_high_ms"]?.double)
        #expect(low <= part && part <= high)
        wide += low < part && part < high ? 1 : 0
      }
    }
    #expect(wide > 5)
  }

  @Test("as vLLM's batches, row for row")
  func specifications() async throws {
    let worst = try #require(try await Self.report("--policy", "always-2d")["worst"]?.elements)
    let spec = await CommandCall(
      "regret", Self.trace, "--policy", "always-2d", "--timing", "profile", "--export", "batch-spec"
    )
    let lines = spec.output.split(separator: "\n").map(String.init)
    #expect(lines.count == worst.count && !lines.isEmpty)
    let forward = await CommandCall(
      "regret", Self.trace, "--policy", "always-2d", "--timing", "profile", "--export",
      "bench-forward")
    let cases = try #require(
      try JSONValue(parsing: Array(forward.output.utf8))["cases"]?.elements)
    let kernels = await CommandCall(
      "regret", Self.trace, "--policy", "always-2d", "--timing", "profile", "--export",
      "attention-benchmark")
    let kernelLines = kernels.output.split(separator: "\n").map(String.init)
    for (index, line) in lines.enumerated() {
      let parts = line.split(separator: "=")
      #expect(parts.count == 2)
      #expect(String(parts[1]) == worst[index]["batch"]?.string)
      let rows = Self.rows(ofSpec: String(parts[1]))
      #expect(cases[index]["name"]?.string == String(parts[0]))
      #expect(Self.rows(ofCase: cases[index]) == rows)
      #expect(Self.rows(ofKernelSpec: kernelLines[index]) == rows)
    }
  }

  /// `[N*]Q[@K],…` as rows.
  private static func rows(ofSpec text: String) -> [[Int]] {
    text.split(separator: ",").flatMap { part in
      let counted = part.split(separator: "*")
      let lengths = (counted.last ?? "").split(separator: "@").compactMap { Int($0) }
      let count = counted.count == 2 ? Int(counted[0]) ?? 0 : 1
      return Array(repeating: [lengths[0], lengths.last ?? 0], count: count)
    }
  }

  private static func rows(ofCase value: JSONValue) -> [[Int]] {
    (value["requests"]?.elements ?? []).flatMap { request in
      Array(
        repeating: [request["query_len"]?.int ?? 0, request["kv_len"]?.int ?? 0],
        count: request["count"]?.int ?? 0)
    }
  }

  /// `[N]qQ[sK]_…` as rows.
  private static func rows(ofKernelSpec text: String) -> [[Int]] {
    text.split(separator: "_").flatMap { part in
      let counted = part.split(separator: "q", omittingEmptySubsequences: false)
      let lengths = counted[1].split(separator: "s").compactMap { Int($0) }
      return Array(repeating: [lengths[0], lengths.last ?? 0], count: Int(counted[0]) ?? 1)
    }
  }

  @Test("as workloads of FlashInfer-Trace with their arrays")
  func flashInfer() async throws {
    let folder = try TemporaryDirectory()
    let call = await CommandCall(
      "regret", Self.trace, "--policy", "always-2d", "--timing", "profile", "--worst", "1",
      "--export", "flashinfer-trace", "--output", folder.path)
    #expect(call.exitCode == 0, "\(call.errors)")
    let list = "workloads/gqa_paged/gqa_paged_decode_h32_kv8_d128_ps1.jsonl"
    let row = try JSONValue(parsing: try folder.bytes(of: list))
    #expect(row["solution"] == .null)
    let workload = try #require(row["workload"])
    let rows = try #require(workload["axes"]?["batch_size"]?.int)
    let tokens = try #require(workload["axes"]?["num_kv_indices"]?.int)
    let path = try #require(workload["inputs"]?["kv_indptr"]?["path"]?.string)
    let bytes = try folder.bytes(of: path)
    let headerCount = bytes[0..<8].reversed().reduce(0) { $0 << 8 | Int($1) }
    let header = try JSONValue(parsing: Array(bytes[8..<8 + headerCount]))
    #expect(header["kv_indptr"]?["shape"]?.elements == [.integer(Int64(rows + 1))])
    #expect(bytes.count == 8 + headerCount + 4 * (rows + 1) + 4 * tokens)
    let pointers = (0...rows).map { index in
      let start = 8 + headerCount + 4 * index
      return bytes[start..<start + 4].reversed().reduce(0) { $0 << 8 | Int($1) }
    }
    let worst = try #require(try await Self.report("--policy", "always-2d")["worst"]?.elements)
    let lengths = Self.rows(ofSpec: try #require(worst[0]["batch"]?.string)).map { $0[1] }
    #expect(zip(pointers.dropFirst(), pointers).map { $0 - $1 } == lengths)
    #expect(pointers.last == tokens)
  }

  @Test(
    "or refused in one line",
    arguments: [
      [], ["--policy", "fastest"], ["--policy", "always-2d,vllm-0.33"],
      ["--policy", "always-2d", "--export", "flashinfer-trace"],
      ["--policy", "always-2d", "--worst", "-1"], ["--policy", "always-4d"],
      ["--policy", "always-2d", "--against", "always-2d"],
    ])
  func refused(options: [String]) async {
    let call = await CommandCall(["regret", Self.trace, "--timing", "profile"] + options)
    #expect(call.exitCode == 2, "\(call.errors)")
    #expect(call.hasOneErrorLine, "\(call.errors)")
  }
}
