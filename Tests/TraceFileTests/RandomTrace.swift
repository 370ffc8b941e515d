import TraceModel

/// SplitMix64 (Steele, Lea and Flood, 2014): the tests' own source of numbers, the same everywhere.
struct SeededNumbers: RandomNumberGenerator {
  private var state: UInt64
  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var value = state
    value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
    value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
    return value ^ (value >> 31)
  }
}

/// A trace in memory: mostly as an engine goes on, with everything thrown in that a file must keep.
struct RandomTrace {
  var header: TraceHeader
  var requests: [TraceRequest] = []
  var steps: [TraceStep] = []
  var gaps: [TraceGap] = []

  init(seed: UInt64, requestCount: Int, stepCount: Int) {
    var random = SeededNumbers(seed: seed)
    header = TraceHeader(members: [
      .init("engine", .string("vllm")), .init("kv_block_size", .integer(16)),
      .init("note", .array([.null, .number(0.5), .string("é\u{1F600}")])),
    ])
    for index in 0..<requestCount {
      let blocks = (0..<Int.random(in: 0...4, using: &random)).map { _ in
        Bool.random(using: &random) ? UInt64.random(in: 0...9, using: &random) : random.next() >> 1
      }
      requests.append(
        TraceRequest(
          id: RequestID(Int64(index) * 3 - 7),
          arrival: microseconds(in: -1_000_000...90_000_000, &random),
          promptTokens: TokenCount(.random(in: 0...50, using: &random)),
          outputTokens: TokenCount(.random(in: 0...9, using: &random)), prefixBlocks: blocks))
    }
    var time: Int64 = -5_000
    var rows: [StepRow] = []
    for index in 0..<stepCount {
      rows = nextRows(after: rows, &random)
      time += Int64.random(in: 0...30_000, using: &random)
      steps.append(step(number: Int64(index * 2 - 3), at: time, rows: rows, &random))
      if index % 5 == 4 { gaps.append(TraceGap(afterStep: Int64(index), droppedSteps: 3)) }
    }
  }

  /// Most rows go on, some stop, some change, some come, and sometimes all are shuffled.
  private func nextRows(after rows: [StepRow], _ random: inout SeededNumbers) -> [StepRow] {
    var next: [StepRow] = []
    for row in rows where Int.random(in: 0..<6, using: &random) > 0 {
      let isOdd = Int.random(in: 0..<8, using: &random) == 0
      next.append(
        StepRow(
          request: row.request,
          computed: isOdd ? TokenCount(.random(in: 0...99, using: &random)) : row.kvLength,
          queryLength: TokenCount(isOdd ? .random(in: 1...9, using: &random) : 1)))
    }
    for _ in 0..<Int.random(in: 0...2, using: &random) where !requests.isEmpty {
      let request = Int32.random(in: 0..<Int32(requests.count), using: &random)
      guard !next.contains(where: { $0.request == request }) else { continue }
      next.append(
        StepRow(
          request: request, computed: .zero,
          queryLength: TokenCount(max(1, requests[Int(request)].promptTokens.rawValue))))
    }
    if Int.random(in: 0..<12, using: &random) == 0 { next.shuffle(using: &random) }
    return next
  }

  private func step(
    number: Int64, at time: Int64, rows: [StepRow], _ random: inout SeededNumbers
  ) -> TraceStep {
    func maybe<Value>(_ value: Value, _ random: inout SeededNumbers) -> Value? {
      Int.random(in: 0..<4, using: &random) > 0 ? value : nil
    }
    let end = time + Int64.random(in: 0...300, using: &random)
    let output = end + Int64.random(in: 0...20_000, using: &random)
    let gpu = Nanoseconds(Int64.random(in: 0...400_000, using: &random) * 100)
    let some = requests.isEmpty ? [] : [Int32.random(in: 0..<Int32(requests.count), using: &random)]
    return TraceStep(
      number: number, scheduleStart: Nanoseconds(time * 1000), scheduleEnd: Nanoseconds(end * 1000),
      output: maybe(Nanoseconds(output * 1000), &random), gpuTime: maybe(gpu, &random),
      forwardTime: maybe(gpu - Nanoseconds(21_300), &random), waiting: maybe(3, &random),
      running: maybe(Int32(rows.count + 1), &random), freeKVBlocks: maybe(77_000, &random),
      rows: rows, preempted: maybe(some, &random) ?? [], finished: maybe(some, &random) ?? [])
  }

  private func microseconds(
    in range: ClosedRange<Int64>, _ random: inout SeededNumbers
  ) -> Nanoseconds {
    Nanoseconds(Int64.random(in: range, using: &random) * 1000)
  }
}
