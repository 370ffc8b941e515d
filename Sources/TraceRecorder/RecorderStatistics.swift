internal import CRepriseRecorder
internal import Synchronization

/// What a recorder has done, from both of its sides.
struct RecorderStatistics {
  private let counts: IntakeCounts
  private let report: RecorderReport
  private let ringBytes: Int
  private let ringBytesMax: Int

  init(_ recorder: Recorder) {
    var counts = IntakeCounts()
    var usedMax = 0
    recorder.intake.withLock { intake in
      counts = intake.counts
      usedMax = intake.usedMax
    }
    self.counts = counts
    report = recorder.shared.currentReport
    ringBytes = 8 * recorder.shared.ring.capacity
    ringBytesMax = 8 * usedMax
  }

  /// Whether something could not be written.
  var hasFailed: Bool { !report.lastError.isEmpty }

  private var lastError: String {
    guard report.lastError.isEmpty, let call = counts.lastInvalidCall else {
      return report.lastError
    }
    return "\(counts.invalidCalls) calls were refused, the last because " + call.message
  }

  /// Fills the first `size` bytes of a C structure.
  func copy(to target: UnsafeMutablePointer<reprise_recorder_statistics_t>?, size: Int) {
    guard let target = unsafe target else { return }
    var statistics = reprise_recorder_statistics_t()
    statistics.steps = counts.steps
    statistics.dropped_steps = counts.droppedSteps + report.lostSteps
    statistics.written_steps = report.writtenSteps
    statistics.gaps = counts.gaps + report.gaps
    statistics.requests = counts.requests
    statistics.incomplete_requests = counts.incompleteRequests
    statistics.invalid_calls = counts.invalidCalls
    statistics.bytes_written = report.bytesWritten
    statistics.files = report.files
    statistics.ring_bytes = UInt64(ringBytes)
    statistics.ring_bytes_max = UInt64(ringBytesMax)
    statistics.state = report.state.rawValue
    unsafe withUnsafeMutableBytes(of: &statistics.path) { field in
      unsafe CString.copy(
        report.path, to: field.baseAddress?.assumingMemoryBound(to: CChar.self), size: field.count)
    }
    unsafe withUnsafeMutableBytes(of: &statistics.last_error) { field in
      unsafe CString.copy(
        lastError, to: field.baseAddress?.assumingMemoryBound(to: CChar.self), size: field.count)
    }
    unsafe withUnsafeBytes(of: &statistics) { source in
      let count = max(0, min(size, source.count))
      unsafe UnsafeMutableRawPointer(target).copyMemory(
        from: source.baseAddress ?? UnsafeRawPointer(target), byteCount: count)
    }
  }
}
