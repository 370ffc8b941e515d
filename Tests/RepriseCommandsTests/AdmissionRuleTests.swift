import ClientLogs
import MachineProfiles
import StepTiming
import TestSupport
import Testing
import TraceFile
import TraceModel

/// When a request enters the scheduler's queue, read off runs whose callers' times are known.
@Suite("Admission of requests to a busy engine")
struct AdmissionRuleTests {
  private static let runs = [
    "random-qps1.always-2d", "random-qps1.vllm-default", "random-qps5.always-2d",
    "random-qps5.vllm-default", "random-qps5.flash-attention-3", "random-qps7.always-2d",
    "random-qps7.vllm-default",
  ]

  /// Requests that came while the engine worked, and how far those were from the rule that the first
  /// call `admission` after sending takes each, where they broke it.
  private func admissions(
    _ run: String, admission: Nanoseconds
  ) throws -> (count: Int, breaches: [Nanoseconds]) {
    let stem = "traces/h200/mistral-small-24b-\(run)"
    let reader = try TraceReader(path: RepositoryFile.path(stem + ".reprise"))
    let requests = try reader.requests()
    let path = stem + ".client.jsonl.zst"
    let log = try ClientLog(bytes: RepositoryFile.bytes(path), source: path).matched(to: requests)
      .requests
    var seen = Array(repeating: false, count: requests.count)
    var previous: TraceStep?
    var (count, breaches) = (0, [Nanoseconds]())
    var steps = try reader.steps()
    var step = TraceStep()
    while try steps.next(into: &step) {
      for row in step.rows where !seen[Int(row.request)] {
        seen[Int(row.request)] = true
        guard let previous, let output = previous.output, output > step.scheduleStart else {
          continue
        }
        let sent = try #require(log[Int(row.request)]?.sent)
        count += 1
        let (early, late) = (previous.scheduleStart, step.scheduleStart)
        if sent + admission <= early { breaches.append(early - sent - admission) }
        if sent + admission > late { breaches.append(sent + admission - late) }
      }
      previous = step
    }
    return (count, breaches)
  }

  @Test("is by the first call that comes the profile's admission after sending")
  func rule() throws {
    let profile = try #require(try BuiltinProfiles.all().first { $0.gpu == "NVIDIA H200" })
    let host = try profile.model(named: "mistral-small-24b").host
    var (count, breaches) = (0, [Nanoseconds]())
    for run in Self.runs {
      let found = try admissions(run, admission: host.admission)
      count += found.count
      breaches += found.breaches
    }
    #expect(count > 900)
    #expect(breaches.count <= count / 200, "\(breaches) of \(count)")
    #expect(breaches.allSatisfy { $0 < Nanoseconds(300_000) }, "\(breaches)")
  }
}
