/// Turns the collected steps of a chunk into its columns, with the parameters that predict them best.
struct StepChunkLayout {
  private let chunk: StepEncoder
  private var timeUnit = CommonUnit(exponentMax: StepParameter.timeExponent.assumed)
  private var gpuUnit = CommonUnit(exponentMax: StepParameter.gpuExponent.assumed)
  private let finishLag: Int
  private var depth = 2
  private var gpuShift: Int64 = 0

  /// Decides how a chunk, which has steps, is laid out.
  init(_ chunk: StepEncoder) {
    self.chunk = chunk
    finishLag = Self.bestFinishLag(of: chunk)
    for step in chunk.steps {
      timeUnit.include(step.start)
      timeUnit.include(step.end)
      timeUnit.include(step.output)
      gpuUnit.include(step.gpuTime)
      gpuUnit.include(step.forwardTime)
    }
    depth = Self.best([2, 1]) { cost(depth: $0, gpuShift: 0).start }
    gpuShift = Self.best([0, 1, 2]) { cost(depth: 2, gpuShift: $0).gpu }
  }

  private static func best<Value>(_ values: [Value], cost: (Value) -> Int) -> Value {
    var best = (value: values[0], cost: Int.max)
    for value in values {
      let cost = cost(value)
      if cost < best.cost { best = (value, cost) }
    }
    return best.value
  }

  private func clock(depth: Int, gpuShift: Int64) -> StepClock {
    StepClock(
      unit: timeUnit.nanoseconds, gpuUnit: gpuUnit.nanoseconds,
      firstStart: chunk.steps[0].start / timeUnit.nanoseconds, depth: depth, gpuShift: gpuShift)
  }

  /// Bits in the residuals of scheduling starts and GPU times.
  private func cost(depth: Int, gpuShift: Int64) -> (start: Int, gpu: Int) {
    var clock = clock(depth: depth, gpuShift: gpuShift)
    var residuals = StepResiduals()
    var cost = (start: 0, gpu: 0)
    for step in chunk.steps {
      residuals.take(step, &clock)
      cost.start += residuals.start.zigzag.significantBits
      cost.gpu += residuals.gpu.zigzag.significantBits
    }
    return cost
  }

  /// The chunk's content.
  func content() -> ChunkContent {
    var content = ChunkContent()
    let first = chunk.steps[0]
    for (parameter, value) in [
      (StepParameter.timeExponent, timeUnit.exponent),
      (StepParameter.gpuExponent, gpuUnit.exponent),
      (StepParameter.firstStart, first.start / timeUnit.nanoseconds),
      (StepParameter.firstNumber, first.number),
      (StepParameter.tokenBudget, chunk.tokenBudget),
      (StepParameter.kvBlockSize, chunk.kvBlockSize),
      (StepParameter.finishLag, Int64(finishLag)),
      (StepParameter.depth, Int64(depth)),
      (StepParameter.gpuShift, gpuShift),
    ] {
      content.add(parameter: parameter.number, value, unless: parameter.assumed)
    }
    let (flags, events) = eventsAndFlags()
    content.add(column: StepColumn.flags.rawValue, flags.map(\.rawValue), planesMin: 1)
    addTimes(to: &content)
    addCounts(to: &content)
    content.add(column: StepColumn.events.rawValue, bytes: events)
    return content
  }

  private func addTimes(to content: inout ChunkContent) {
    var clock = clock(depth: depth, gpuShift: gpuShift)
    var residuals = Array(repeating: StepResiduals(), count: chunk.steps.count)
    for index in residuals.indices { residuals[index].take(chunk.steps[index], &clock) }
    content.add(column: StepColumn.scheduleStart.rawValue, signed: residuals.map(\.start))
    content.add(column: StepColumn.scheduleEnd.rawValue, signed: residuals.map(\.end))
    content.add(column: StepColumn.output.rawValue, signed: residuals.map(\.output))
    content.add(column: StepColumn.gpuTime.rawValue, signed: residuals.map(\.gpu))
    content.add(column: StepColumn.forwardTime.rawValue, signed: residuals.map(\.forward))
  }

  // MARK: Counts and lists

  private func addCounts(to content: inout ChunkContent) {
    var counts = StepCounts()
    var columns: (waiting: [Int64], running: [Int64], free: [Int64]) = ([], [], [])
    for (place, step) in chunk.steps.enumerated() {
      let pending = pending(at: place, lag: finishLag)
      counts.expect(
        rows: step.rowCount, admitted: step.admitted, preempted: Int64(step.preempted.count),
        pending: Int64(pending.count),
        usedBlocks: step.usedBlocks + blocks(of: pending))
      columns.waiting.append(step.waiting.map { Int64($0) - counts.waiting } ?? 0)
      columns.running.append(step.running.map { Int64($0) - counts.running } ?? 0)
      columns.free.append(step.freeKVBlocks.map { Int64($0) - counts.freeKVBlocks } ?? 0)
      counts.note(waiting: step.waiting, freeKVBlocks: step.freeKVBlocks)
    }
    content.add(column: StepColumn.waiting.rawValue, signed: columns.waiting)
    content.add(column: StepColumn.running.rawValue, signed: columns.running)
    content.add(column: StepColumn.freeKVBlocks.rawValue, signed: columns.free)
  }

  private func blocks(of pending: ArraySlice<RowPredictor.Done>) -> Int64 {
    guard chunk.kvBlockSize > 0 else { return 0 }
    return pending.reduce(0) {
      $0 + (Int64($1.kvLength) + chunk.kvBlockSize - 1) / chunk.kvBlockSize
    }
  }

  /// Requests that had their last row in one of the `lag - 1` steps before.
  private func pending(at place: Int, lag: Int) -> ArraySlice<RowPredictor.Done> {
    Self.done(in: (place - lag + 1)..<place, chunk)
  }

  private static func done(
    in steps: Range<Int>, _ chunk: StepEncoder
  ) -> ArraySlice<RowPredictor.Done> {
    let start = chunk.done.partition(from: 0) { $0.step >= steps.lowerBound }
    let end = chunk.done.partition(from: start) { $0.step >= steps.upperBound }
    return chunk.done[start..<end]
  }

  private static func bestFinishLag(of chunk: StepEncoder) -> Int {
    best(Array(1...Int(RowPredictor.finishLagMax)).reversed()) { lag in
      chunk.steps.enumerated().reduce(0) { misses, step in
        let expected = done(in: (step.offset - lag)..<(step.offset - lag + 1), chunk)
        let isExpected = chunk.lists[step.element.finished].elementsEqual(
          expected.lazy.map(\.request))
        return misses + (isExpected ? 0 : 1)
      }
    }
  }

  private func eventsAndFlags() -> (flags: [StepFlags], events: [UInt8]) {
    var events = ByteWriter()
    var flags: [StepFlags] = []
    var number = chunk.steps[0].number - 1
    for (place, step) in chunk.steps.enumerated() {
      var flag = step.absences
      if step.number != number + 1 {
        flag.insert(.number)
        events.unsigned(UInt64(step.number - number - 1))
      }
      number = step.number
      if !step.script.isEmpty {
        flag.insert(.rows)
        events.append(chunk.scripts.bytes[step.script])
      }
      let finished = chunk.lists[step.finished]
      let expected = Self.done(in: (place - finishLag)..<(place - finishLag + 1), chunk)
      if !finished.elementsEqual(expected.lazy.map(\.request)) {
        flag.insert(.finished)
        events.requests(finished)
      }
      if !step.preempted.isEmpty {
        flag.insert(.preempted)
        events.requests(chunk.lists[step.preempted])
      }
      flags.append(flag)
    }
    return (flags, events.bytes)
  }
}

extension ByteWriter {
  /// A list of requests: its count, then each as a difference from the one before.
  fileprivate mutating func requests(_ list: ArraySlice<Int32>) {
    unsigned(UInt64(list.count))
    var last: Int64 = 0
    for request in list {
      signed(Int64(request) - last)
      last = Int64(request)
    }
  }
}

extension [RowPredictor.Done] {
  /// The first place from `start` on where `isBehind` holds, which it does from there to the end.
  fileprivate func partition(from start: Int, by isBehind: (Element) -> Bool) -> Int {
    var range = start..<count
    while !range.isEmpty {
      let middle = range.lowerBound + range.count / 2
      range = isBehind(self[middle]) ? range.lowerBound..<middle : (middle + 1)..<range.upperBound
    }
    return range.lowerBound
  }
}
