public import CRepriseRecorder
internal import Glibc
internal import TraceModel

// The functions of `reprise_recorder.h`, which documents them.

/// The version of the interface.
@c @implementation
public func reprise_recorder_abi_version() -> Int32 { REPRISE_RECORDER_ABI }

/// Opens a recorder.
@c @implementation
public func reprise_recorder_open(
  _ options: UnsafePointer<CChar>!, _ header: UnsafePointer<CChar>!,
  _ error: UnsafeMutablePointer<CChar>!, _ errorSize: Int
) -> OpaquePointer! {
  do throws(RecorderError) {
    guard unsafe options != nil else { throw RecorderError("options: NULL; give a JSON object") }
    let members = unsafe header == nil ? Array("{}".utf8) : CString.bytes(header)
    let recorder = try unsafe Recorder(options: CString.bytes(options), header: members)
    return unsafe OpaquePointer(Unmanaged.passRetained(recorder).toOpaque())
  } catch let failure {
    unsafe CString.copy(failure.message, to: error, size: errorSize)
    return nil
  }
}

/// Records the arrival of a request.
@c @implementation
public func reprise_recorder_add_request(
  _ recorder: OpaquePointer!, _ request: UInt64, _ arrival: Int64, _ promptTokens: UInt32,
  _ outputLimit: UInt32, _ prefixBlocks: UnsafePointer<UInt64>!, _ prefixBlockCount: Int
) -> Int32 {
  unsafe with(recorder) { intake in
    guard let blocks = unsafe List(prefixBlocks, prefixBlockCount, max: 1 << 20) else {
      return intake.refuseArguments()
    }
    return unsafe intake.addRequest(
      request, arrival: arrival, promptTokens: promptTokens, outputLimit: outputLimit,
      prefixBlocks: blocks.buffer.span)
  }
}

/// Records a step with all its rows.
@c @implementation
public func reprise_recorder_step(
  _ recorder: OpaquePointer!, _ step: UnsafePointer<reprise_recorder_step_info>!,
  _ rows: UnsafePointer<reprise_recorder_rows>!
) -> Int32 {
  unsafe with(recorder) { intake in
    guard let info = unsafe step?.pointee,
      let preempted = unsafe List(info.preempted, info.preempted_count),
      let lists = unsafe RowsPassedIn(rows)
    else { return intake.refuseArguments() }
    return unsafe intake.addStep(
      StepScalarsPassedIn(info), preempted: preempted.buffer.span,
      requests: lists.requests.buffer.span, computed: lists.computed.buffer.span,
      queries: lists.queries.buffer.span)
  }
}

/// Records a step with the rows of the last one, each a token further.
@c @implementation
public func reprise_recorder_step_same(
  _ recorder: OpaquePointer!, _ number: Int64, _ scheduleStart: Int64, _ scheduleEnd: Int64,
  _ waiting: Int32, _ running: Int32, _ freeKVBlocks: Int32
) -> Int32 {
  unsafe with(recorder) { intake in
    let none = Span<UInt32>()
    return intake.addStep(
      StepScalarsPassedIn(
        number: number, scheduleStart: scheduleStart, scheduleEnd: scheduleEnd, waiting: waiting,
        running: running, freeKVBlocks: freeKVBlocks),
      preempted: none, removed: none, changed: none, computed: none, queries: none, added: none,
      addedComputed: none, addedQueries: none)
  }
}

/// Records a step that differs from the last one in some rows.
@c @implementation
public func reprise_recorder_step_changed(
  _ recorder: OpaquePointer!, _ step: UnsafePointer<reprise_recorder_step_info>!,
  _ removed: UnsafePointer<UInt32>!, _ removedCount: Int,
  _ changed: UnsafePointer<reprise_recorder_rows>!,
  _ added: UnsafePointer<reprise_recorder_rows>!
) -> Int32 {
  unsafe with(recorder) { intake in
    guard let info = unsafe step?.pointee,
      let preempted = unsafe List(info.preempted, info.preempted_count),
      let removed = unsafe List(removed, removedCount),
      let changes = unsafe RowsPassedIn(changed), let additions = unsafe RowsPassedIn(added)
    else { return intake.refuseArguments() }
    return unsafe intake.addStep(
      StepScalarsPassedIn(info), preempted: preempted.buffer.span, removed: removed.buffer.span,
      changed: changes.requests.buffer.span, computed: changes.computed.buffer.span,
      queries: changes.queries.buffer.span, added: additions.requests.buffer.span,
      addedComputed: additions.computed.buffer.span, addedQueries: additions.queries.buffer.span)
  }
}

/// Records that a step's tokens came.
@c @implementation
public func reprise_recorder_output(
  _ recorder: OpaquePointer!, _ number: Int64, _ output: Int64, _ gpuTime: Int64,
  _ finished: UnsafePointer<UInt32>!, _ outputTokens: UnsafePointer<UInt32>!, _ count: Int
) -> Int32 {
  unsafe with(recorder) { intake in
    guard let finished = unsafe List(finished, count),
      let tokens = unsafe List(outputTokens, outputTokens == nil ? 0 : count)
    else { return intake.refuseArguments() }
    return unsafe intake.addOutput(
      of: number, at: output, gpuTime: gpuTime, finished: finished.buffer.span,
      outputTokens: tokens.buffer.span)
  }
}

/// Records that requests ended.
@c @implementation
public func reprise_recorder_finish(
  _ recorder: OpaquePointer!, _ requests: UnsafePointer<UInt32>!,
  _ outputTokens: UnsafePointer<UInt32>!, _ count: Int
) -> Int32 {
  unsafe with(recorder) { intake in
    guard let requests = unsafe List(requests, count),
      let tokens = unsafe List(outputTokens, outputTokens == nil ? 0 : count)
    else { return intake.refuseArguments() }
    return unsafe intake.finish(requests.buffer.span, tokens.buffer.span)
  }
}

/// Records GPU times that came late.
@c @implementation
public func reprise_recorder_gpu_time(
  _ recorder: OpaquePointer!, _ number: Int64, _ gpuTime: Int64, _ forwardTime: Int64
) -> Int32 {
  unsafe with(recorder) { intake in
    intake.addGPUTime(of: number, gpuTime: gpuTime, forwardTime: forwardTime)
  }
}

/// Says what has been recorded.
@c @implementation
public func reprise_recorder_statistics(
  _ recorder: OpaquePointer!, _ statistics: UnsafeMutablePointer<reprise_recorder_statistics_t>!,
  _ size: Int
) -> Int32 {
  guard let recorder = unsafe Recorder.of(recorder) else { return IntakeResult.ended.rawValue }
  unsafe RecorderStatistics(recorder).copy(to: statistics, size: size)
  return IntakeResult.ok.rawValue
}

/// Writes everything so far.
@c @implementation
public func reprise_recorder_flush(_ recorder: OpaquePointer!, _ milliseconds: Int64) -> Int32 {
  guard let recorder = unsafe Recorder.of(recorder) else { return IntakeResult.ended.rawValue }
  let isDone = recorder.shared.flush(milliseconds: milliseconds)
  return (isDone ? IntakeResult.ok : .dropped).rawValue
}

/// Ends a recorder.
@c @implementation
public func reprise_recorder_close(
  _ recorder: OpaquePointer!, _ statistics: UnsafeMutablePointer<reprise_recorder_statistics_t>!,
  _ size: Int
) -> Int32 {
  guard unsafe recorder != nil else { return IntakeResult.ok.rawValue }
  guard let open = unsafe Recorder.of(recorder) else { return IntakeResult.ended.rawValue }
  open.close()
  let final = RecorderStatistics(open)
  unsafe final.copy(to: statistics, size: size)
  unsafe Unmanaged<Recorder>.fromOpaque(UnsafeRawPointer(recorder)).release()
  return (final.hasFailed ? IntakeResult.invalid : .ok).rawValue
}
