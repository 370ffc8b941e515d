internal import Glibc
internal import TraceFile
internal import TraceModel

/// What the writing thread does: takes records from the ring, makes steps of them, writes them.
struct RecordingLoop: ~Copyable {
  private let shared: RecorderShared
  private let options: RecorderOptions
  private var files: TraceFiles
  private var assembly: StepAssembly
  private var pending = PendingSteps()
  private var slot = PendingSteps.Slot()
  private var record: [UInt64] = []
  /// Requests that ended since the last step was scheduled.
  private var finished: [FinishedRequest] = []
  /// Steps missing before the next one, and the last number in the file.
  private var missing: UInt64 = 0
  private var lastNumber: Int64 = -1

  init(shared: RecorderShared) {
    self.shared = shared
    options = shared.options
    files = TraceFiles(options: shared.options, header: shared.header)
    assembly = StepAssembly(options: shared.options, header: shared.header)
  }

  /// Records until the recorder is closed.
  mutating func run() {
    do throws(TraceFileError) { try beginFile(Self.now) } catch {
      shared.begin(with: error)
      return
    }
    shared.publish(files.report)
    shared.begin(with: nil)
    while true {
      // What was passed in before one of these was set is in the ring by now.
      let isClosing = shared.isClosing
      let flushWanted = shared.flushesWanted
      let count = takeRecords()
      let isDrained = count < Self.recordsPerRound
      let isFlushWanted = isDrained && flushWanted > shared.flushesDone
      let isFlushed = files.flush(Self.now, force: isFlushWanted)
      missing += files.takeLost()
      shared.publish(files.report)
      if isFlushWanted { shared.noteFlushes(upTo: flushWanted, wentWell: isFlushed) }
      if isDrained {
        if isClosing { break }
        let pause = RecorderLimits.pauseMilliseconds
        // Nobody wakes the thread: that would be a system call in the engine.
        usleep(1000 * (count > 0 ? pause.busy : pause.idle))
      }
    }
    finish()
  }

  /// Records taken before time is looked at.
  private static let recordsPerRound = 1024

  /// Takes what is in the ring, and how many records it was.
  private mutating func takeRecords() -> Int {
    for count in 0..<Self.recordsPerRound {
      guard shared.ring.take(into: &record) else { return count }
      take()
    }
    return Self.recordsPerRound
  }

  private static var now: Int64 {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec)
  }

  private mutating func finish() {
    while pending.count > 0 { appendFirst() }
    let now = Self.now
    missing += shared.droppedAtEnd + files.takeLost()
    for end in finished { appendEnd(end, now) }
    if missing > 0 { _ = appendGap(now) }
    _ = files.finish(now)
    files.close()
    shared.publish(files.report)
  }

  // MARK: Records

  private mutating func take() {
    switch RecordHead(word: record[0]).kind {
    case .filler: break
    case .request:
      let number = assembly.addRequest(record)
      if let request = assembly.live[number] { _ = place(request, number, Self.now) }
    case .step:
      pending.add(record, finished: &finished)
      if pending.count > RecorderLimits.stepsInFlight { appendFirst() }
    case .output:
      let gpuTime = Int64(bitPattern: record[3])
      pending.setOutput(
        Int64(bitPattern: record[2]), gpuTime: gpuTime < 0 ? nil : gpuTime,
        of: Int64(bitPattern: record[1]))
    case .gpuTime:
      let (gpuTime, forwardTime) = (Int64(bitPattern: record[2]), Int64(bitPattern: record[3]))
      pending.setGPUTime(
        gpuTime < 0 ? nil : gpuTime, forwardTime: forwardTime < 0 ? nil : forwardTime,
        of: Int64(bitPattern: record[1]))
    case .finish: takeFinished()
    }
    while pending.isFirstReady(lateSteps: Int(options.lateSteps)) { appendFirst() }
  }

  private mutating func takeFinished() {
    let (count, tokenCount) = record[1].halves
    var reader = ListReader(record, from: 2)
    var numbers: [UInt32] = []
    var tokens: [UInt32] = []
    reader.read(Int(count), into: &numbers)
    reader.read(Int(tokenCount), into: &tokens)
    for (index, number) in numbers.enumerated() {
      let known = index < tokens.count && tokens[index] <= RecorderLimits.tokensMax
      finished.append(FinishedRequest(number: number, outputTokens: known ? tokens[index] : nil))
    }
  }

  // MARK: Files

  private mutating func beginFile(_ now: Int64) throws(TraceFileError) {
    try files.begin(now)
    assembly.beginFile()
    lastNumber = -1
    for number in assembly.live.inOrder {
      if let request = assembly.live[number] { _ = place(request, number, now) }
    }
  }

  /// Puts a request into the file; its place there, -1 where it could not be written.
  private mutating func place(_ request: LiveRequest, _ number: UInt32, _ now: Int64) -> Int32 {
    var place: Int32 = -1
    let isWritten = files.write(now) { writer throws(TraceFileError) in
      place = Int32(clamping: writer.requestCount)
      try writer.append(request.traceRequest)
    }
    if !isWritten { place = -1 }
    assembly.setPlace(place, of: number)
    return place
  }

  /// Writes the first pending step, or counts it as missing.
  private mutating func appendFirst() {
    pending.takeFirst(into: &slot)
    let now = Self.now
    missing += slot.record.dropped + files.takeLost()
    if files.mayBegin(now) { _ = try? beginFile(now) }
    assembly.takeRows(slot)
    ServedByProcess.note(rows: assembly.rowCount, tokens: assembly.tokenCount)
    if !appendStep(now) {
      files.noteLost(1, beginsGap: missing == 0)
      missing += 1
    }
    for end in slot.finished { appendEnd(end, now) }
    if files.isOpen, files.isFull(now), files.finish(now) { _ = try? beginFile(now) }
  }

  private mutating func appendStep(_ now: Int64) -> Bool {
    guard files.isOpen else { return false }
    let newcomers = assembly.nameRows(slot)
    for number in newcomers {
      guard let request = assembly.live[number], place(request, number, now) >= 0 else {
        return false
      }
    }
    if !newcomers.isEmpty { _ = assembly.nameRows(slot) }
    let step = assembly.step
    guard files.write(step, now) else { return false }
    // A gap names the step before it, so it may be written after the one behind it.
    if missing > 0 { _ = appendGap(now) }
    lastNumber = step.number
    return true
  }

  private mutating func appendGap(_ now: Int64) -> Bool {
    let gap = TraceGap(afterStep: lastNumber, droppedSteps: Int64(clamping: missing))
    guard files.write(now, { writer throws(TraceFileError) in try writer.append(gap) }) else {
      return false
    }
    missing = 0
    return true
  }

  private mutating func appendEnd(_ finished: FinishedRequest, _ now: Int64) {
    guard let end = assembly.end(finished) else { return }
    _ = files.write(now) { writer throws(TraceFileError) in
      try writer.appendEnd(of: end.place, outputTokens: end.outputTokens)
    }
  }
}
