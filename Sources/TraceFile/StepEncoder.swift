internal import TraceModel

/// Collects steps into the content of one chunk.
struct StepEncoder {
  private var columns = ColumnWriter(columnCount: StepColumn.allCases.count)
  private var predictor = StepPredictor()
  private var rows = RowPredictor()
  private(set) var stepCount = 0
  private(set) var rowCount = 0
  /// When the first step was scheduled, and when the last ended, in microseconds.
  private(set) var span: (first: Int64, last: Int64) = (0, 0)

  /// Whether the chunk is as large as one may be.
  var isFull: Bool {
    stepCount >= TraceFileLimits.stepsPerChunk || rowCount >= TraceFileLimits.rowsPerChunk
  }

  func content() -> [UInt8] { columns.content() }

  /// Adds a step; `requests` are those added to the trace so far, its rows' among them.
  mutating func append(_ step: TraceStep, requests: [TraceRequest]) {
    let start = FileTime.microseconds(step.scheduleStart)
    let end = FileTime.microseconds(step.scheduleEnd)
    let gpu = step.gpuTime.map(FileTime.tenths)
    let output = step.output.map(FileTime.microseconds)
    columns[.presence].unsigned(Self.presence(of: step))
    columns[.number].signed(step.number &- predictor.number &- 1)
    columns[.scheduleStart].signed(start - predictor.outputs.0 - predictor.delay.value)
    columns[.scheduleEnd].signed(end - start - predictor.scheduling.value)
    let isMixed = step.rows.contains { $0.queryLength.rawValue > 1 }
    let batchClass = StepPredictor.batchClass(rows: step.rows.count, isMixed: isMixed)
    if let gpu {
      columns[.gpuTime].signed(gpu - predictor.gpuTime(ofClass: batchClass))
      predictor.add(gpuTime: gpu, toClass: batchClass)
    }
    if let forward = step.forwardTime.map(FileTime.tenths) {
      let difference = (gpu ?? 0) - forward
      columns[.forwardTime].signed(difference - predictor.afterForward.value)
      predictor.afterForward.add(difference)
    }
    if let output {
      columns[.output].signed(output - predictor.output(scheduleEnd: end, gpuTime: gpu))
    }
    appendCounts(of: step)
    appendRows(of: step, start: start, output: output ?? end, requests: requests)
    predictor.number = step.number
    predictor.delay.add(start - predictor.outputs.0)
    predictor.scheduling.add(end - start)
    predictor.scheduleStart = start
    predictor.outputs = (predictor.outputs.1, output ?? end)
    if stepCount == 0 { span.first = start }
    span.last = stepCount == 0 ? output ?? end : max(span.last, output ?? end)
    stepCount += 1
    rowCount += step.rows.count
  }

  private static func presence(of step: TraceStep) -> UInt64 {
    let flags = [
      step.output != nil, step.gpuTime != nil, step.forwardTime != nil, step.waiting != nil,
      step.running != nil, step.freeKVBlocks != nil,
    ]
    return flags.enumerated().reduce(0) { $0 | ($1.element ? 1 << UInt64($1.offset) : 0) }
  }

  private mutating func appendCounts(of step: TraceStep) {
    if let waiting = step.waiting {
      columns[.waiting].signed(Int64(waiting) - predictor.waiting)
      predictor.waiting = Int64(waiting)
    }
    if let running = step.running {
      columns[.running].signed(Int64(running) - Int64(step.rows.count))
    }
    if let free = step.freeKVBlocks {
      columns[.freeKVBlocks].signed(Int64(free) - predictor.freeKVBlocks)
      predictor.freeKVBlocks = Int64(free)
    }
  }

  private mutating func appendRows(
    of step: TraceStep, start: Int64, output: Int64, requests: [TraceRequest]
  ) {
    let expected = rows.finished(by: start)
    if step.finished == expected {
      columns[.finished].unsigned(0)
    } else {
      columns[.finished].unsigned(UInt64(step.finished.count) + 1)
      for request in step.finished { columns[.finished].unsigned(UInt64(request)) }
    }
    columns[.preempted].unsigned(UInt64(step.preempted.count))
    for request in step.preempted { columns[.preempted].unsigned(UInt64(request)) }
    let mode = RowCoding.write(step.rows, predicted: rows, to: &columns[.rows])
    columns[.rowMode].unsigned(mode)
    rows.advance(step.rows, output: output, requests: requests)
  }
}
