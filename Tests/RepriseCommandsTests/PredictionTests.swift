import TestSupport
import Testing
import TraceFile
import TraceModel

/// Predictions from the committed recordings, held to what the same engine did in its other run.
@Suite("Predictions against real runs")
struct PredictionTests {
  /// A workload that was run under both rules, and the engine's name of each run.
  struct Pair: CustomTestStringConvertible, Sendable {
    let workload: String
    var testDescription: String { workload }
    func path(_ policy: String) -> String {
      RepositoryFile.path("traces/h200/\(workload).\(policy).reprise")
    }
  }

  static let pairs = [
    "mistral-small-24b-random-qps1", "mistral-small-24b-random-qps5",
    "mistral-small-24b-random-qps7", "mistral-small-24b-mooncake-26",
    "llama-3.1-8b-latency-500-12800",
  ].map { Pair(workload: $0) }

  /// Mean gap between the tokens of a recording as the engine gave them, in milliseconds.
  private func recordedITL(_ path: String) throws -> Double {
    let reader = try TraceReader(path: path)
    let requests = try reader.requests()
    var last = [Nanoseconds?](repeating: nil, count: requests.count)
    var sum = 0.0
    var count = 0
    var steps = try reader.steps()
    var step = TraceStep()
    while try steps.next(into: &step) {
      guard let output = step.output else { continue }
      for row in step.rows where row.kvLength >= requests[Int(row.request)].promptTokens {
        if let before = last[Int(row.request)] {
          sum += (output - before).milliseconds
          count += 1
        }
        last[Int(row.request)] = output
      }
    }
    return sum / Double(count)
  }

  private func predictedITL(_ path: String, batches: String) async throws -> [String: Double] {
    let call = await CommandCall(
      "replay", path, "--policy", "always-2d,vllm-0.33", "--batches", batches, "--format", "json")
    #expect(call.exitCode == 0, "\(call.errors)")
    let json = try JSONValue(parsing: call.output)
    var means: [String: Double] = [:]
    for policy in ["always-2d", "vllm-0.33"] {
      means[policy] = json["policies"]?[policy]?["itl_ms"]?["mean"]?.double
    }
    return means
  }

  @Test("a recording under its own rule comes back within 1 % of its mean ITL", arguments: pairs)
  func ownRule(pair: Pair) async throws {
    for (run, policy) in [("always-2d", "always-2d"), ("vllm-default", "vllm-0.33")] {
      let real = try recordedITL(pair.path(run))
      let predicted = try #require(
        try await predictedITL(pair.path(run), batches: "recorded")[policy])
      #expect(abs(predicted / real - 1) < 0.01, "\(run): \(predicted) against \(real) ms")
    }
  }

  /// Share of mean ITL that two rules must differ by for their difference to be held to a share of itself:
  /// below, which requests meet, chance decides as much as the rule, and it is held to 1 % of mean ITL.
  private static let differenceMin = 0.03

  @Test(
    "what the rule would have brought comes out within 15 % of what it brought, where that is over 3 %",
    arguments: pairs)
  func otherRule(pair: Pair) async throws {
    let base = try recordedITL(pair.path("always-2d"))
    let real = base - (try recordedITL(pair.path("vllm-default")))
    let predicted = try await predictedITL(pair.path("always-2d"), batches: "rescheduled")
    let difference =
      try #require(predicted["always-2d"]) - #require(predicted["vllm-0.33"])
    let bound = real > Self.differenceMin * base ? 0.15 * real : 0.01 * base
    #expect(abs(difference - real) < bound, "\(difference) against \(real) ms")
  }

  @Test("recorded batches give the sign of the difference from either run", arguments: pairs)
  func sign(pair: Pair) async throws {
    for run in ["always-2d", "vllm-default"] {
      let predicted = try await predictedITL(pair.path(run), batches: "recorded")
      #expect(try #require(predicted["always-2d"]) > #require(predicted["vllm-0.33"]), "\(run)")
    }
  }
}
