import KernelSelection
import StepTiming
import TraceModel

@testable import EngineSimulation

/// One workload of `VLLMBatches`: an engine, requests, scripted times of steps, and what vLLM did.
struct VLLMCase {
  /// Its first line, from which a random case can be made again.
  let head: Substring
  /// The batches that vLLM formed, a line each.
  let expected: [Substring]
  private let engine: EngineModel
  private let granularity: Int
  private let timer: ScriptedTimer
  private var requests: [TraceRequest] = []

  /// Takes a case off the front of `lines`; `nil` where that is not one.
  init?(_ lines: inout ArraySlice<Substring>) {
    guard let head = lines.popFirst(), head.hasPrefix("case ") else { return nil }
    self.head = head
    // The name may be a number, or not.
    let numbers = head.split(separator: " ").dropFirst(2).compactMap { Int($0) }
    let options = Self.options(head)
    guard numbers.count == 12, lines.count >= numbers[10] + numbers[11],
      let stepTime = options["step_us"].flatMap(Int64.init),
      let tokenTime = options["token_us"].flatMap(Int64.init)
    else { return nil }
    timer = ScriptedTimer(step: microseconds(stepTime), token: microseconds(tokenTime))
    engine = smallEngine(
      budget: numbers[0], sequences: numbers[1], blocks: numbers[2],
      prefixCaching: numbers[4] == 1, asynchronous: numbers[5] == 1, threshold: numbers[6],
      reserves: numbers[7] == 1, maxModelLength: numbers[8], blockSize: numbers[3],
      rules: Self.rules(options))
    granularity = numbers[9]
    for line in lines.prefix(numbers[10]) {
      let fields = line.split(separator: " ").compactMap { UInt64($0) }
      guard fields.count >= 3 else { return nil }
      requests.append(
        TraceRequest(
          id: RequestID(Int64(requests.count)), arrival: microseconds(Int64(fields[0])),
          promptTokens: TokenCount(Int32(fields[1])), outputTokens: TokenCount(Int32(fields[2])),
          prefixBlocks: Array(fields.dropFirst(3))))
    }
    expected = Array(lines.dropFirst(numbers[10]).prefix(numbers[11]))
    lines = lines.dropFirst(numbers[10] + numbers[11])
  }

  /// What `key=value` at the end of a case's line says.
  private static func options(_ head: Substring) -> [Substring: String] {
    var options: [Substring: String] = [:]
    for field in head.split(separator: " ") {
      let parts = field.split(separator: "=", maxSplits: 1)
      if parts.count == 2 { options[parts[0]] = String(parts[1]) }
    }
    return options
  }

  /// Those of the release that made the case, with what it asks for.
  private static func rules(_ options: [Substring: String]) -> SchedulerRules {
    var rules = SchedulerRules(
      options["version"].flatMap(VLLMVersion.init) ?? VLLMVersion(0, 32, 0))
    rules.override(
      adaptsLongPrefillThreshold: options["adaptive"].map { $0 == "1" },
      maxActiveSequences: options["active"].flatMap { Int($0) },
      watermark: options["watermark"].flatMap { Double($0) })
    return rules
  }

  /// Where our batches part from vLLM's, with the steps just before; `nil` if they are the same.
  func difference() throws -> String? {
    let ours = try batches()
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

  /// What our engine does with it, in the words of `VLLMBatches`.
  private func batches() throws -> [String] {
    let replay = RescheduledReplay(
      requests: requests, prefixBlockTokens: granularity > 0 ? granularity : nil, engine: engine,
      host: HostTiming())
    var timer = timer
    var recorder = StepRecorder()
    _ = try replay.run(&timer, observer: &recorder)
    return recorder.steps.map { step in
      let rows = step.rows.map {
        "\($0.request):\($0.computed.rawValue)+\($0.queryLength.rawValue)"
      }
      let victims =
        step.preempted.isEmpty ? [] : ["preempted"] + step.preempted.sorted().map(String.init)
      let (whole, part) = step.scheduleStart.rawValue.quotientAndRemainder(dividingBy: 1000)
      let end = "free \(step.freeKVBlocks ?? -1) at \(whole)\(part == 0 ? "" : ".\(part)")"
      return (rows + victims + [end]).joined(separator: " ")
    }
  }
}

/// So long for every step, and so much more for each of its tokens.
private struct ScriptedTimer: StepTimer {
  let step: Nanoseconds
  let token: Nanoseconds

  mutating func time(of batch: inout AttentionBatch) throws(TimingError) -> StepTime {
    StepTime(
      attention: token * batch.summary.tokens, rest: step, regret: .zero, variant: .triton2D,
      launch: .eager(tokens: batch.summary.tokens))
  }
}

private func microseconds(_ count: Int64) -> Nanoseconds { Nanoseconds(count * 1000) }
