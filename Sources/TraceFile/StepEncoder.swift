internal import TraceModel

/// Collects the steps of one chunk; `StepChunkLayout` makes its content when it is closed.
struct StepEncoder {
  private(set) var steps: [StepScalars] = []
  /// Scripts of rows and lists of requests of all steps, one behind the other.
  private(set) var scripts = ByteWriter()
  private(set) var lists: [Int32] = []
  /// Requests that had their last row, in order.
  private(set) var done: [RowPredictor.Done] = []
  private(set) var rowCount = 0
  let tokenBudget: Int64
  let kvBlockSize: Int64
  private let eventBytesMax: Int
  private var predictor: RowPredictor
  private var script = RowScript()

  /// An empty chunk; a budget or block size of 0 is unknown.
  init(
    tokenBudget: Int64, kvBlockSize: Int64, eventBytesMax: Int = TraceFileLimits.eventBytesPerChunk
  ) {
    self.eventBytesMax = eventBytesMax
    self.tokenBudget = tokenBudget
    self.kvBlockSize = kvBlockSize
    predictor = RowPredictor(tokenBudget: tokenBudget)
  }

  /// Whether the chunk is as large as one may be.
  var isFull: Bool {
    steps.count >= TraceFileLimits.stepsPerChunk || rowCount >= TraceFileLimits.rowsPerChunk
      || scripts.bytes.count + 4 * lists.count >= eventBytesMax
  }

  /// Empties the chunk and keeps its storage.
  mutating func restart() {
    steps.removeAll(keepingCapacity: true)
    scripts.removeAll()
    lists.removeAll(keepingCapacity: true)
    done.removeAll(keepingCapacity: true)
    rowCount = 0
    predictor = RowPredictor(tokenBudget: tokenBudget)
    script = RowScript()
  }

  /// Adds a step that has been found valid; `lengths` are those of all requests so far.
  mutating func append(_ step: borrowing TraceStep, _ lengths: [RequestLengths]) {
    var scalars = StepScalars(step)
    predictor.predict(lengths)
    done += predictor.done.drop { $0.step < steps.count - 1 }
    if predictor.rows != step.rows {
      let start = scripts.bytes.count
      script.write(step.rows, &predictor, lengths, to: &scripts)
      scalars.script = start..<scripts.bytes.count
      scalars.admitted = script.admitted
      var rows = step.rows
      predictor.replace(with: &rows)
    }
    scalars.isDecode = predictor.isDecode
    scalars.rowCount = Int64(step.rows.count)
    if step.freeKVBlocks != nil {
      scalars.usedBlocks = predictor.usedBlocks(blockSize: kvBlockSize, lag: 0)
    }
    scalars.finished = add(step.finished)
    scalars.preempted = add(step.preempted)
    steps.append(scalars)
    rowCount += step.rows.count
  }

  private mutating func add(_ list: [Int32]) -> Range<Int> {
    let start = lists.count
    lists += list
    return start..<lists.count
  }
}
