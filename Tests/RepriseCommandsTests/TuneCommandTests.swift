import KernelSelection
import TestSupport
import Testing
import TraceModel

@Suite("A rule is tuned by command")
struct TuneCommandTests {
  private static let short = RepositoryFile.path(
    "traces/h200/mistral-small-24b-random-qps7.vllm-default.reprise")
  private static let long = RepositoryFile.path(
    "traces/h200/mistral-small-24b-mooncake-26.vllm-default.reprise")
  private static let azure = RepositoryFile.path("traces/azure-2023-conversation.reprise")
  private static let mooncake = RepositoryFile.path("traces/mooncake-conversation.reprise")

  /// A text without the checkout's own place.
  private static func placeless(_ text: String) -> String {
    let root = RepositoryFile.root + "/"
    var rest = text[...]
    var result = ""
    while let range = rest.firstRange(of: root) {
      result += rest[..<range.lowerBound]
      rest = rest[range.upperBound...]
    }
    return result + rest
  }

  @Test("and printed as a table, as a rule file and as Python")
  func text() async throws {
    let call = await CommandCall(
      "tune", Self.short, Self.long, "--form", "thresholds:2", "--timing", "profile")
    #expect(call.exitCode == 0, "\(call.errors)")
    // Lines that name the trace wrap differently from place to place, so names are left out.
    let text = call.output.split(separator: "\n", omittingEmptySubsequences: false)
      .drop { !$0.hasPrefix("the rule:") }.joined(separator: "\n")
    #expect(try Golden.difference(Self.placeless(text), from: "tune-rule.txt") == nil)
  }

  @Test("beats vLLM's rule on traffic with long and skewed decode batches that it was not tuned on")
  func heldOut() async throws {
    let call = await CommandCall(
      "tune", Self.azure, Self.long, "--held-out", Self.mooncake, "--max-requests", "600",
      "--batches", "rescheduled", "--timing", "profile", "--format", "json")
    #expect(call.exitCode == 0, "\(call.errors)")
    let report = try JSONValue(parsing: Array(call.output.utf8))
    let judged = try #require(report["judged"]?.elements)
    let parts = judged.compactMap { $0["part"]?.string }
    #expect(parts == ["all", "decode, long or skewed"])
    for part in judged {
      let rules = try #require(part["rules"]?.elements)
      #expect(rules.compactMap { $0["name"]?.string } == ["vllm-0.33", "tuned"])
      let high = try #require(rules[1]["over_reference"]?["high"]?.double)
      #expect(high < 0, "slower than vLLM's rule within the interval")
      let regrets = rules.compactMap { $0["regret_ms"]?.double }
      #expect(regrets[1] < regrets[0] / 4)
    }
    let worst = try #require(judged[1]["rules"]?.elements?.first?["worst_ratio"]?.double)
    #expect(worst > 2, "the traffic holds no batch on which vLLM's rule loses much")
  }

  @Test("into files that a replay reads, where it does what was promised")
  func replayed() async throws {
    let folder = try TemporaryDirectory()
    let tuned = await CommandCall(
      "tune", Self.short, "--held-out", Self.long, "--name", "mine", "--output", folder.path,
      "--timing", "profile", "--format", "json")
    #expect(tuned.exitCode == 0, "\(tuned.errors)")
    #expect(try folder.contents() == ["mine.json", "mine.py", "mine.yaml"])
    let replay = await CommandCall(
      "replay", Self.long, "--policy", "vllm-0.33", "--rule", folder.file("mine.yaml"),
      "--timing", "profile", "--format", "json")
    #expect(replay.exitCode == 0, "\(replay.errors)")
    let report = try JSONValue(parsing: Array(tuned.output.utf8))
    let promised = report["judged"]?.elements?.first?["rules"]?.elements?[1]["attention_ms"]?.double
    let summary = try JSONValue(parsing: Array(replay.output.utf8))
    let found = summary["policies"]?["mine"]?["attention_ms"]?.double
    #expect(abs(try #require(promised) - (try #require(found))) < 0.001)
  }

  @Test(
    "or refused in one line",
    arguments: [
      (["--form", "forest"], 2), (["--variants", "triton-2d"], 2),
      (["--variants", "triton-4d,triton-2d"], 2),
      (["--quantities", "rows,colour"], 2), (["--quantities", "skew", "--graph-safe"], 2),
      (["--policy", ""], 2), (["--name", "vllm-0.33"], 2),
      (["--variants", "triton-3d-16,triton-3d-4"], 1),
      (["--held-out", "/nowhere.reprise"], 1), (["--from", "1000000"], 1),
    ])
  func refused(options: [String], code: Int) async {
    let call = await CommandCall(["tune", Self.short, "--timing", "profile"] + options)
    #expect(call.exitCode == Int32(code), "\(call.errors)")
    #expect(call.hasOneErrorLine, "\(call.errors)")
    #expect(call.output.isEmpty)
  }
}
