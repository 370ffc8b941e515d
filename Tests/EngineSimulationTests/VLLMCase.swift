import KernelSelection
import TraceModel

@testable import EngineSimulation

/// One workload of `VLLMBatches`, by calls of the scheduler rather than by time.
struct VLLMCase {
  /// Its first line, from which a random case can be made again.
  let head: Substring
  /// The batches that vLLM formed, a line each.
  let expected: [Substring]
  private let engine: EngineModel
  private let granularity: Int
  private var calls: [Int] = []
  private var requests: [TraceRequest] = []

  /// Takes a case off the front of `lines`; `nil` where that is not one.
  init?(_ lines: inout ArraySlice<Substring>) {
    guard let head = lines.popFirst(), head.hasPrefix("case ") else { return nil }
    self.head = head
    // The name may be a number, or not.
    let numbers = head.split(separator: " ").dropFirst(2).compactMap { Int($0) }
    let rules = Self.rules(head)
    guard numbers.count == 12, lines.count >= numbers[10] + numbers[11] else { return nil }
    engine = smallEngine(
      budget: numbers[0], sequences: numbers[1], blocks: numbers[2],
      prefixCaching: numbers[4] == 1, asynchronous: numbers[5] == 1, threshold: numbers[6],
      reserves: numbers[7] == 1, maxModelLength: numbers[8], blockSize: numbers[3], rules: rules)
    granularity = numbers[9]
    for line in lines.prefix(numbers[10]) {
      let fields = line.split(separator: " ").compactMap { UInt64($0) }
      guard fields.count >= 3 else { return nil }
      calls.append(Int(fields[0]))
      requests.append(
        TraceRequest(
          id: RequestID(Int64(requests.count)), arrival: .zero,
          promptTokens: TokenCount(Int32(fields[1])), outputTokens: TokenCount(Int32(fields[2])),
          prefixBlocks: Array(fields.dropFirst(3))))
    }
    expected = Array(lines.dropFirst(numbers[10]).prefix(numbers[11]))
    lines = lines.dropFirst(numbers[10] + numbers[11])
  }

  /// What `key=value` at the end of a case's line says; 0.32.0 without options if nothing.
  private static func rules(_ head: Substring) -> SchedulerRules {
    var options: [Substring: String] = [:]
    for field in head.split(separator: " ") {
      let parts = field.split(separator: "=", maxSplits: 1)
      if parts.count == 2 { options[parts[0]] = String(parts[1]) }
    }
    var rules = SchedulerRules(
      options["version"].flatMap(VLLMVersion.init) ?? VLLMVersion(0, 32, 0))
    rules.override(
      adaptsLongPrefillThreshold: options["adaptive"].map { $0 == "1" },
      maxActiveSequences: options["active"].flatMap { Int($0) },
      watermark: options["watermark"].flatMap { Double($0) })
    return rules
  }

  /// Where our batches part from vLLM's, with the steps just before; `nil` if they are the same.
  func difference() -> String? {
    let ours = batches()
    let step = zip(ours, expected).enumerated().first { $1.0 != $1.1 }?.offset
    guard let step = step ?? (ours.count == expected.count ? nil : min(ours.count, expected.count))
    else { return nil }
    let before = expected[max(0, step - 3)..<step].map { "       \($0)" }
    return ([String(head)] + before).joined(separator: "\n") + """
      \nstep \(step)
      vLLM   \(step < expected.count ? String(expected[step]) : "has ended")
      ours   \(step < ours.count ? ours[step] : "has ended")
      """
  }

  /// What our scheduler does with it, in the words of `VLLMBatches`.
  private func batches() -> [String] {
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
