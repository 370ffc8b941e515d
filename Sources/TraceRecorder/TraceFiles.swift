internal import TraceFile
internal import TraceModel

/// The files of a recorder, of which one at most is open.
///
/// After a failed write there is none until the time has come to try another: what was whole stays in
/// the unfinished one.
struct TraceFiles: ~Copyable {
  private(set) var report = RecorderReport()
  private var writer: TraceWriter?
  private let options: RecorderOptions
  private let header: TraceHeader
  private let name: TraceFileName
  private var nextNumber = 1
  private var finishedBytes: UInt64 = 0
  /// When the file was begun and when it was last flushed, and when another is tried.
  private var begun: Int64 = 0
  private var flushed: Int64 = 0
  private var retry: Int64 = 0
  private var isDirty = false
  /// Steps handed to the writer of this file.
  private var stepCount: UInt64 = 0
  /// Steps in whole chunks of the files before this one.
  private var finishedSteps: UInt64 = 0
  /// Steps that the writer had when it failed, and had not written.
  private var lost: UInt64 = 0

  init(options: RecorderOptions, header: TraceHeader) {
    self.options = options
    self.header = header
    name = TraceFileName(path: options.path)
  }

  var isOpen: Bool { writer != nil }

  /// Whether another file may be tried.
  func mayBegin(_ now: Int64) -> Bool { writer == nil && now >= retry }

  /// Creates the next file.
  mutating func begin(_ now: Int64) throws(TraceFileError) {
    var header = header
    if report.files > 0 { header["part"] = .integer(Int64(report.files) + 1) }
    ServedByProcess.add(to: &header)
    do throws(TraceFileError) {
      writer = try create(header)
    } catch {
      fail(error, writtenSteps: 0, now)
      throw error
    }
    stepCount = 0
    report.files += 1
    report.state = .recording
    begun = now
    flushed = now
    isDirty = false
    countBytes()
  }

  private mutating func create(
    _ header: TraceHeader
  ) throws(TraceFileError) -> TraceWriter {
    while nextNumber <= RecorderLimits.fileNumberMax {
      let path = name.path(nextNumber)
      guard !TraceFileName.isTaken(path) else {
        nextNumber += 1
        continue
      }
      do throws(TraceFileError) {
        let created = try TraceWriter(path: path, header: header, for: .recording)
        report.path = path
        return created
      } catch {
        // Another process may have taken the name in between.
        guard TraceFileName.isTaken(path) else { throw error }
      }
    }
    throw TraceFileError(
      .invalid("no number is left for another file; move the older ones"), path: options.path)
  }

  /// Lets `body` write; whether it could, and otherwise the report has the reason.
  mutating func write(
    _ now: Int64, _ body: (inout TraceWriter) throws(TraceFileError) -> Void
  ) -> Bool {
    guard var current = writer.take() else { return false }
    do throws(TraceFileError) {
      try body(&current)
      writer = consume current
      isDirty = true
      return true
    } catch {
      // What is wrong with one step or request leaves the writer as it was.
      if case .invalid = error.kind {
        // Nothing was written of what cannot be.
        report.lastError = error.message
        writer = consume current
      } else {
        fail(error, writtenSteps: UInt64(current.writtenStepCount), now)
      }
      return false
    }
  }

  /// Writes a step; whether it could.
  mutating func write(_ step: TraceStep, _ now: Int64) -> Bool {
    guard write(now, { writer throws(TraceFileError) in try writer.append(step) }) else {
      return false
    }
    stepCount += 1
    return true
  }

  private mutating func fail(_ error: TraceFileError, writtenSteps: UInt64, _ now: Int64) {
    // The step being written, if one was, is its caller's to count.
    let handed = stepCount
    stepCount = 0
    finishedSteps += writtenSteps
    lost += handed - min(handed, writtenSteps)
    report.writtenSteps = finishedSteps
    report.lastError = error.message
    report.state = .waiting
    finishedBytes = report.bytesWritten
    retry = now + options.retrySeconds
  }

  /// Writes whole chunks of what is pending, if it is time or `force` says so.
  mutating func flush(_ now: Int64, force: Bool = false) -> Bool {
    guard isDirty, force || now - flushed >= options.flushSeconds else { return isOpen }
    flushed = now
    let isDone = write(now) { writer throws(TraceFileError) in try writer.flush() }
    isDirty = false
    countBytes()
    return isDone
  }

  /// Whether the file has become so large or old that the next one is due.
  mutating func isFull(_ now: Int64) -> Bool {
    countBytes()
    let bytes = report.bytesWritten - finishedBytes
    if options.rotateBytes > 0, bytes >= UInt64(options.rotateBytes) { return true }
    if options.rotateSeconds > 0, now - begun >= options.rotateSeconds { return true }
    return (writer?.requestCount ?? 0) >= RecorderLimits.requestsPerFile
  }

  /// Completes the file; whether that went well.
  mutating func finish(_ now: Int64) -> Bool {
    guard flush(now, force: true), let current = writer.take() else { return false }
    let steps = UInt64(current.writtenStepCount)
    do throws(TraceFileError) {
      finishedBytes += UInt64(try current.finish().rawValue)
    } catch {
      fail(error, writtenSteps: steps, now)
      return false
    }
    finishedSteps += steps
    stepCount = 0
    report.bytesWritten = finishedBytes
    report.writtenSteps = finishedSteps
    return true
  }

  /// Steps that were lost since the last call.
  mutating func takeLost() -> UInt64 {
    defer { lost = 0 }
    if lost > 0 { noteLost(lost, beginsGap: true) }
    return lost
  }

  private mutating func countBytes() {
    guard let bytes = writer?.byteCount, let steps = writer?.writtenStepCount else { return }
    report.bytesWritten = finishedBytes + UInt64(bytes.rawValue)
    report.writtenSteps = finishedSteps + UInt64(steps)
  }

  mutating func noteLost(_ count: UInt64, beginsGap: Bool) {
    report.lostSteps += count
    if beginsGap { report.gaps += 1 }
  }

  mutating func close() { report.state = .closed }
}
