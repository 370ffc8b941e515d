internal import TraceModel

/// Gives back the steps of one chunk after the other; its storage is used again for the next chunk.
struct StepDecoder {
  private let lengths: [RequestLengths]
  private var numbers = StepNumbers()
  private var events = ByteReader([])
  private var clock: StepClock
  private var predictor = RowPredictor(tokenBudget: 0)
  private var script = RowScript()
  private var counts = StepCounts()
  private var scratch: [StepRow] = []
  private var kvBlockSize: Int64 = 0
  private var finishLag = 2
  private var number: Int64 = 0
  private var place = 0
  private var rowCount = 0
  private var stepCount = 0

  /// A decoder without a chunk, for a trace whose requests have these lengths.
  init(lengths: [RequestLengths]) {
    self.lengths = lengths
    clock = StepClock(unit: 1, gpuUnit: 1, firstStart: 0, depth: 2, gpuShift: 0)
  }

  /// Takes the content of a chunk with so many steps.
  mutating func load(_ bytes: [UInt8], stepCount: Int) throws(Corruption) {
    let content = try ChunkContentReader(bytes, itemCount: stepCount)
    func parameter(
      _ parameter: (number: UInt64, assumed: Int64), _ bounds: ClosedRange<Int64>
    ) throws(Corruption) -> Int64 {
      try content.parameter(parameter.number, assumed: parameter.assumed, in: bounds)
    }
    let times = -TraceFileLimits.timeMax...TraceFileLimits.timeMax
    let tokens = 0...Int64(TraceFileLimits.tokensMax)
    clock = StepClock(
      unit: CommonUnit.nanoseconds(
        try parameter(StepParameter.timeExponent, CommonUnit.exponents)),
      gpuUnit: CommonUnit.nanoseconds(
        try parameter(StepParameter.gpuExponent, CommonUnit.exponents)),
      firstStart: try parameter(StepParameter.firstStart, times),
      depth: Int(try parameter(StepParameter.depth, 1...2)),
      gpuShift: try parameter(StepParameter.gpuShift, 0...2))
    predictor = RowPredictor(tokenBudget: try parameter(StepParameter.tokenBudget, tokens))
    kvBlockSize = try parameter(StepParameter.kvBlockSize, tokens)
    finishLag = Int(try parameter(StepParameter.finishLag, 1...RowPredictor.finishLagMax))
    let numbersMax = TraceFileLimits.stepNumberMax
    number = try parameter(StepParameter.firstNumber, -numbersMax...numbersMax) - 1
    try numbers.load(content, stepCount: stepCount)
    events = try content.stream(StepColumn.events.rawValue)
    script = RowScript()
    counts = StepCounts()
    place = 0
    rowCount = 0
    self.stepCount = stepCount
  }

  /// Overwrites `step` with the next one of the chunk; `false` after the last.
  mutating func next(into step: inout TraceStep) throws(Corruption) -> Bool {
    guard place < stepCount else {
      guard events.isAtEnd else { throw Corruption("events behind the last step") }
      return false
    }
    let flags = StepFlags(rawValue: numbers[place, .flags])
    guard flags.isSubset(of: .known) else { throw Corruption("a step has unknown flags") }
    predictor.predict(lengths)
    if flags.contains(.number) { try readNumber() } else { number += 1 }
    guard number <= TraceFileLimits.stepNumberMax else {
      throw Corruption("a step's number is out of range")
    }
    step.number = number
    var admitted: Int64 = 0
    if flags.contains(.rows) {
      try script.read(&predictor, lengths, from: &events, through: &scratch)
      admitted = script.admitted
    }
    rowCount += predictor.rows.count
    guard rowCount <= TraceFileLimits.rowsPerChunkMax else {
      throw Corruption("more than \(TraceFileLimits.rowsPerChunkMax) rows in a chunk")
    }
    step.rows.removeAll(keepingCapacity: true)
    step.rows.append(contentsOf: predictor.rows)
    try readLists(flags, into: &step)
    try readTimes(flags, into: &step)
    try readCounts(flags, admitted: admitted, into: &step)
    place += 1
    return true
  }

  private mutating func readNumber() throws(Corruption) {
    let difference = try events.unsigned()
    guard difference <= 2 * UInt64(TraceFileLimits.stepNumberMax) else {
      throw Corruption("a step's number is out of range")
    }
    number += Int64(difference) + 1
  }

  @inline(__always)
  private mutating func readLists(
    _ flags: StepFlags, into step: inout TraceStep
  ) throws(Corruption) {
    if !step.finished.isEmpty { step.finished.removeAll(keepingCapacity: true) }
    if !step.preempted.isEmpty { step.preempted.removeAll(keepingCapacity: true) }
    if flags.contains(.finished) {
      try readList(into: &step.finished)
    } else if !predictor.done.isEmpty {
      step.finished.append(contentsOf: predictor.finished(lag: finishLag))
    }
    if flags.contains(.preempted) { try readList(into: &step.preempted) }
  }

  private mutating func readList(into list: inout [Int32]) throws(Corruption) {
    var request: Int64 = 0
    for _ in 0..<(try events.count(max: TraceFileLimits.rowsMax, "requests in a list")) {
      let sum = request.addingReportingOverflow(try events.signed())
      guard !sum.overflow, lengths.indices.contains(Int(sum.partialValue)) else {
        throw Corruption("a list names a request that is not in the trace")
      }
      request = sum.partialValue
      list.append(Int32(request))
    }
  }

  @inline(__always)
  private mutating func readTimes(
    _ flags: StepFlags, into step: inout TraceStep
  ) throws(Corruption) {
    let start = clock.expectedStart &+ numbers.signed(place, .scheduleStart)
    clock.noteStart(start)
    let end = clock.expectedScheduleEnd &+ numbers.signed(place, .scheduleEnd)
    clock.noteScheduleEnd(end)
    step.scheduleStart = try Self.time(start, unit: clock.unit)
    step.scheduleEnd = try Self.time(end, unit: clock.unit)
    var gpu: Int64?
    step.gpuTime = nil
    if !flags.contains(.noGPUTime) {
      let isDecode = predictor.isDecode
      let value = clock.expectedGPUTime(isDecode: isDecode) &+ numbers.signed(place, .gpuTime)
      clock.noteGPUTime(value, isDecode: isDecode)
      step.gpuTime = try Self.gpuTime(value, unit: clock.gpuUnit)
      gpu = value
    }
    step.forwardTime = nil
    if !flags.contains(.noForwardTime) {
      let sampling = clock.expectedSampling &+ numbers.signed(place, .forwardTime)
      clock.noteSampling(sampling)
      step.forwardTime = try Self.gpuTime((gpu ?? 0) &- sampling, unit: clock.gpuUnit)
    }
    step.output = nil
    var output: Int64?
    if !flags.contains(.noOutput) {
      let value = clock.expectedOutput(gpuTime: gpu) &+ numbers.signed(place, .output)
      step.output = try Self.time(value, unit: clock.unit)
      output = value
    }
    clock.noteOutput(output, hasGPUTime: gpu != nil)
  }

  @inline(__always)
  private static func time(_ value: Int64, unit: Int64) throws(Corruption) -> Nanoseconds {
    let (nanoseconds, overflow) = value.multipliedReportingOverflow(by: unit)
    guard !overflow, nanoseconds.magnitude <= UInt64(TraceFileLimits.timeMax) else {
      throw Corruption("a time is out of range")
    }
    return Nanoseconds(nanoseconds)
  }

  @inline(__always)
  private static func gpuTime(_ value: Int64, unit: Int64) throws(Corruption) -> Nanoseconds {
    let time = try time(value, unit: unit)
    guard time.rawValue.magnitude <= UInt64(TraceFileLimits.gpuTimeMax) else {
      throw Corruption("a GPU time is out of range")
    }
    return time
  }

  @inline(__always)
  private mutating func readCounts(
    _ flags: StepFlags, admitted: Int64, into step: inout TraceStep
  ) throws(Corruption) {
    let hasFree = !flags.contains(.noFreeKVBlocks)
    counts.expect(
      rows: Int64(predictor.rows.count), admitted: admitted,
      preempted: Int64(step.preempted.count),
      pending: predictor.done.isEmpty ? 0 : predictor.pendingCount(lag: finishLag),
      usedBlocks: hasFree ? predictor.usedBlocks(blockSize: kvBlockSize, lag: finishLag) : 0)
    step.waiting =
      flags.contains(.noWaiting)
      ? nil : try Self.count(counts.waiting, numbers.signed(place, .waiting))
    step.running =
      flags.contains(.noRunning)
      ? nil : try Self.count(counts.running, numbers.signed(place, .running))
    step.freeKVBlocks =
      hasFree
      ? try Self.count(counts.freeKVBlocks, numbers.signed(place, .freeKVBlocks)) : nil
    counts.note(waiting: step.waiting, freeKVBlocks: step.freeKVBlocks)
  }

  @inline(__always)
  private static func count(_ expected: Int64, _ stored: Int64) throws(Corruption) -> Int32 {
    guard let value = Int32(exactly: expected &+ stored) else {
      throw Corruption("a count is out of range")
    }
    return value
  }
}

/// The columns of numbers of a chunk of steps, spread out.
private struct StepNumbers {
  private var columns: [[UInt64]] = Array(
    repeating: [], count: Int(StepColumn.freeKVBlocks.rawValue))

  mutating func load(_ content: ChunkContentReader, stepCount: Int) throws(Corruption) {
    guard content.hasPlanes(StepColumn.flags.rawValue) || stepCount == 0 else {
      throw Corruption("the column of flags is missing")
    }
    for index in columns.indices { try content.read(UInt64(index + 1), into: &columns[index]) }
  }

  subscript(place: Int, column: StepColumn) -> UInt64 {
    @inline(__always) get { columns[Int(column.rawValue) - 1][place] }
  }

  @inline(__always)
  func signed(_ place: Int, _ column: StepColumn) -> Int64 {
    Int64(zigzag: self[place, column])
  }
}
