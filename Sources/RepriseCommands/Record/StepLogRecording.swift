import TraceFile
import TraceImport
import TraceModel

/// Turns one step log into one trace.
struct StepLogRecording {
  /// What was written.
  struct Totals {
    var requests = 0
    var steps = 0
    var gaps = 0
    /// What the reader passed over.
    var notes: [String] = []
    /// Why the log ended early, if it did.
    var fault: String?
  }

  /// The trace to write.
  let path: String
  /// Whether the log comes from an engine that still runs, so that it cannot be read again: a killed
  /// writer should then lose little, and what precedes a fault is kept.
  var isLive = false

  private var purpose: TraceWriter.Purpose { isLive ? .recording : .conversion }

  /// Reads to the end of the log; the trace appears under its name only when that went well, or with
  /// what a live log had before its fault.
  func run(_ source: any ByteSource, name: String) throws -> Totals {
    var log = try StepLogReader(source, name: name)
    var writer = try TraceWriter(path: path, header: log.header, for: purpose)
    var totals = Totals()
    do {
      try copy(from: &log, to: &writer, &totals)
    } catch let error as TraceImportError
      where isLive || error.kind == .truncated && StopSignal.isRaised
    {
      totals.fault = error.message
    } catch let error as TraceFileError where isLive {
      // What a trace cannot hold leaves the writer as it was; a disk that fails does not.
      guard case .invalid = error.kind else {
        writer.cancel()
        throw saved(error)
      }
      totals.fault = error.message
    } catch {
      writer.cancel()
      throw error
    }
    do { try writer.finish() } catch {
      throw isLive ? saved(error) : error
    }
    totals.notes += log.notes
    return totals
  }

  /// An error of writing, with where to find what was written before.
  private func saved(_ error: TraceFileError) -> any Error {
    guard FileSystem.exists(path + ".partial") else { return error }
    return CommandError.failed(
      "\(error.message); 'reprise trace repair \(path).partial' saves what was written before")
  }

  /// Writes a recording that is in memory.
  func write(_ run: ImportedRun) throws -> Totals {
    var writer = try TraceWriter(path: path, header: run.header, for: purpose)
    do {
      for request in run.requests { try writer.append(request) }
      for step in run.steps { try writer.append(step) }
      for gap in run.gaps { try writer.append(gap) }
    } catch {
      writer.cancel()
      throw error
    }
    try writer.finish()
    return Totals(
      requests: run.requests.count, steps: run.steps.count, gaps: run.gaps.count,
      notes: run.notes)
  }

  private func copy(
    from log: inout StepLogReader, to writer: inout TraceWriter, _ totals: inout Totals
  ) throws {
    var step = TraceStep()
    var flushed = ContinuousClock.now
    while let event = try log.next(into: &step) {
      switch event {
      case .request(let request):
        try writer.append(request)
        totals.requests += 1
      case .step:
        try writer.append(step)
        totals.steps += 1
      case .end(let request, let outputTokens):
        try writer.appendEnd(of: request, outputTokens: outputTokens)
      case .gap(let gap):
        try writer.append(gap)
        totals.gaps += 1
      }
      if isLive, flushed.duration(to: .now) > Limits.flushInterval {
        try writer.flush()
        flushed = .now
      }
    }
  }
}

extension StepLogRecording.Totals {
  /// The counts in words.
  var words: String { "\(requests) requests, \(steps) steps, \(gaps) gaps" }
}
