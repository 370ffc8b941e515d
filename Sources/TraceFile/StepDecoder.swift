internal import TraceModel

/// Gives back the steps of one chunk, in order.
struct StepDecoder {
  private var columns: ColumnReader
  private var predictor = StepPredictor()
  private var rows = RowPredictor()
  private let requests: [TraceRequest]
  private var left: Int
  private var rowCount = 0

  /// A decoder of a chunk's content with so many steps.
  init(content: [UInt8], stepCount: Int, requests: [TraceRequest]) throws(Corruption) {
    columns = try ColumnReader(content: content, columnCount: StepColumn.allCases.count)
    self.requests = requests
    left = stepCount
  }

  /// Overwrites `step` with the next one; `false` after the last.
  mutating func next(into step: inout TraceStep) throws(Corruption) -> Bool {
    guard left > 0 else {
      try columns.finish()
      return false
    }
    left -= 1
    let presence = try columns[.presence].unsigned()
    func has(_ bit: UInt64) -> Bool { presence >> bit & 1 == 1 }
    step.number = predictor.number &+ (try columns[.number].signed()) &+ 1
    let start = try FileTime.sum(
      predictor.outputs.0 + predictor.delay.value, try columns[.scheduleStart].signed())
    let end = try FileTime.sum(
      start + predictor.scheduling.value, try columns[.scheduleEnd].signed())
    try readRequests(into: &step, start: start)
    let gpu = try readGPUTimes(into: &step, hasGPU: has(1), hasForward: has(2))
    var output: Int64?
    if has(0) {
      output = try FileTime.sum(
        predictor.output(scheduleEnd: end, gpuTime: gpu), try columns[.output].signed())
    }
    try readCounts(into: &step, hasWaiting: has(3), hasRunning: has(4), hasFree: has(5))
    step.scheduleStart = FileTime.fromMicroseconds(start)
    step.scheduleEnd = FileTime.fromMicroseconds(end)
    step.output = output.map(FileTime.fromMicroseconds)
    rowCount += step.rows.count
    guard rowCount <= TraceFileLimits.rowsPerChunkMax else {
      throw Corruption("more than \(TraceFileLimits.rowsPerChunkMax) rows in a chunk")
    }
    rows.advance(step.rows, output: output ?? end, requests: requests)
    predictor.number = step.number
    predictor.delay.add(start - predictor.outputs.0)
    predictor.scheduling.add(end - start)
    predictor.scheduleStart = start
    predictor.outputs = (predictor.outputs.1, output ?? end)
    return true
  }

  private mutating func readRequests(
    into step: inout TraceStep, start: Int64
  ) throws(Corruption) {
    let expected = rows.finished(by: start)
    let stated = try columns[.finished].unsigned()
    step.finished.removeAll(keepingCapacity: true)
    if stated == 0 {
      step.finished.append(contentsOf: expected)
    } else {
      try readList(count: stated - 1, .finished, into: &step.finished)
    }
    step.preempted.removeAll(keepingCapacity: true)
    try readList(count: try columns[.preempted].unsigned(), .preempted, into: &step.preempted)
    try RowCoding.read(
      mode: try columns[.rowMode].unsigned(), predicted: rows, requestCount: requests.count,
      from: &columns[.rows], into: &step.rows)
  }

  private mutating func readList(
    count: UInt64, _ column: StepColumn, into list: inout [Int32]
  ) throws(Corruption) {
    guard count <= UInt64(columns[column].remaining) else {
      throw Corruption("a list of requests is cut short")
    }
    for _ in 0..<count {
      let request = try columns[column].unsigned()
      guard request < UInt64(requests.count) else {
        throw Corruption("request \(request) is unknown")
      }
      list.append(Int32(request))
    }
  }

  private mutating func readGPUTimes(
    into step: inout TraceStep, hasGPU: Bool, hasForward: Bool
  ) throws(Corruption) -> Int64? {
    var gpu: Int64?
    if hasGPU {
      let isMixed = step.rows.contains { $0.queryLength.rawValue > 1 }
      let batchClass = StepPredictor.batchClass(rows: step.rows.count, isMixed: isMixed)
      let value = try FileTime.sum(
        predictor.gpuTime(ofClass: batchClass), try columns[.gpuTime].signed())
      predictor.add(gpuTime: value, toClass: batchClass)
      gpu = value
    }
    step.gpuTime = gpu.map(FileTime.fromTenths)
    step.forwardTime = nil
    if hasForward {
      let difference = try FileTime.sum(
        predictor.afterForward.value, try columns[.forwardTime].signed())
      predictor.afterForward.add(difference)
      step.forwardTime = FileTime.fromTenths(try FileTime.sum(gpu ?? 0, -difference))
    }
    return gpu
  }

  private mutating func readCounts(
    into step: inout TraceStep, hasWaiting: Bool, hasRunning: Bool, hasFree: Bool
  ) throws(Corruption) {
    step.waiting = nil
    step.running = nil
    step.freeKVBlocks = nil
    if hasWaiting {
      step.waiting = try count(.waiting, after: predictor.waiting)
      predictor.waiting = Int64(step.waiting ?? 0)
    }
    if hasRunning { step.running = try count(.running, after: Int64(step.rows.count)) }
    if hasFree {
      step.freeKVBlocks = try count(.freeKVBlocks, after: predictor.freeKVBlocks)
      predictor.freeKVBlocks = Int64(step.freeKVBlocks ?? 0)
    }
  }

  private mutating func count(
    _ column: StepColumn, after predicted: Int64
  ) throws(Corruption) -> Int32 {
    let sum = predicted.addingReportingOverflow(try columns[column].signed())
    guard !sum.overflow, let value = Int32(exactly: sum.partialValue) else {
      throw Corruption("a count is out of range")
    }
    return value
  }
}
