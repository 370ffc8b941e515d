import KernelSelection
import Testing
import TraceModel

@testable import EngineSimulation

@Suite("vLLM's batches")
struct VLLMBatchesTests {
  @Test("The scheduler forms the batches that vLLM 0.32 forms, row for row")
  func rowForRow() throws {
    var lines = try VLLMBatches.cases().split(separator: "\n")[...]
    var count = 0
    while let head = lines.popFirst() {
      let workload = try #require(Case(head: head, lines: &lines))
      #expect(workload.batches() == workload.expected, "\(head)")
      count += 1
    }
    #expect(count == 36)
  }

  /// One workload, by calls of the scheduler rather than by time.
  private struct Case {
    let engine: EngineModel
    let granularity: Int
    var calls: [Int] = []
    var requests: [TraceRequest] = []
    let expected: [String]

    init?(head: Substring, lines: inout ArraySlice<Substring>) {
      let numbers = head.split(separator: " ").dropFirst().compactMap { Int($0) }
      guard numbers.count == 12 else { return nil }
      engine = smallEngine(
        budget: numbers[1], sequences: numbers[2], blocks: numbers[3],
        prefixCaching: numbers[4] == 1, asynchronous: numbers[5] == 1, threshold: numbers[6],
        reserves: numbers[7] == 1, maxModelLength: numbers[8])
      granularity = numbers[9]
      for line in lines.prefix(numbers[10]) {
        let fields = line.split(separator: " ").compactMap { Int32($0) }
        guard fields.count >= 3 else { return nil }
        calls.append(Int(fields[0]))
        requests.append(
          TraceRequest(
            id: RequestID(Int64(requests.count)), arrival: .zero,
            promptTokens: TokenCount(fields[1]), outputTokens: TokenCount(fields[2]),
            prefixBlocks: fields.dropFirst(3).map { UInt64($0) }))
      }
      expected = lines.dropFirst(numbers[10]).prefix(numbers[11]).map(String.init)
      lines = lines.dropFirst(numbers[10] + numbers[11])
    }

    /// What the scheduler does with it, in the words of `VLLMBatches`.
    func batches() -> [String] {
      var scheduler = Scheduler(
        engine: engine,
        requests: requests.map {
          SchedulerRequest(
            promptTokens: $0.promptTokens.rawValue, outputTokens: $0.outputTokens.rawValue)
        },
        prefixes: PrefixIdentities(
          requests: requests, prefixBlockTokens: granularity, kvBlockSize: engine.kvBlockSize),
        ledger: RequestLedger(requests: requests))
      scheduler.keepsRows = true
      return SchedulerDriver(scheduler: scheduler).run(calls: calls) { scheduler, preempted in
        let rows = scheduler.rows.map {
          "\($0.request):\($0.computed.rawValue)+\($0.queryLength.rawValue)"
        }
        let victims = preempted.isEmpty ? [] : ["preempted"] + preempted.sorted().map(String.init)
        return (rows + victims + ["free \(scheduler.pool.freeCount)"]).joined(separator: " ")
      }
    }
  }
}
