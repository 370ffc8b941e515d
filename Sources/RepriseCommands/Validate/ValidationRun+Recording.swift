import ClientLogs
import EngineSimulation
import KernelSelection
import Reports
import TraceFile
import TraceModel

extension ValidationRun {
  /// What the reader should know of how log and trace fit together.
  func notes(
    _ matches: ClientLogMatches, _ isCompared: [Bool], _ callers: [CallerSample]
  ) -> [String] {
    var notes: [String] = []
    let missing = matches.requests.count { $0 == nil } - client.failed
    if matches.leftOut > 0 || missing > 0 {
      notes.append(
        "\(matches.leftOut) of the log's requests are not in the trace, or have other lengths there, and "
          + "\(max(0, missing)) of the trace's are not in the log: left out on both sides")
    }
    let unserved = matches.requests.count { $0 != nil } - isCompared.count { $0 }
    if unserved > 0 {
      notes.append(
        "\(unserved) requests are too long for the modelled engine, and left out on both sides; "
          + "name the engine that served them with --engine")
    }
    if let fault = CallerTimes.gapFault(callers) {
      notes.append(fault + ", so ITL is not compared")
    }
    return notes
  }

  /// The real run's recording beside the model, with what there is to say of it.
  ///
  /// Without a name the trace is taken for the recording of the log's run where its tokens came when the log
  /// says that they did; then the policy has to choose as the one that was in force.
  ///
  /// - `path`: what `--steps` names
  func recording(
    _ path: String?, of callers: [ClientRequest?], _ notes: inout [String]
  ) throws -> (name: String, run: RealRun)? {
    let named =
      "where the error comes from is told by the real run's recording; name it with --steps"
    guard let recording = path ?? (source.reader.stepCount > 0 ? source.path : nil) else {
      notes.append(named)
      return nil
    }
    let (run, fault) = try realRun(recording, policy: policy)
    let isOwn = recording != source.path || isOfSameRun(callers, run)
    if let fault, isOwn || path != nil { throw fault }
    guard isOwn else {
      let other = "the log is of another run than the trace, by when tokens came; "
      notes.append((recorded == nil ? other : "") + named)
      return nil
    }
    if !run.hasGPUTimes {
      notes.append(
        "the real run's GPU times were not recorded, so errors of steps, attention and rest are in 'host'; "
          + "record with REPRISE_GPU_TIMES=1")
    }
    if let machine = source.reader.header.machine,
      let other = try TraceReader(path: recording).header.machine, other != machine
    {
      notes.append(
        "the trace is of machine \(machine), the real run of machine \(other); two machines differ")
    }
    return (name: recording, run: run)
  }

  /// Whether first and last tokens came at the callers when they did in a recording, but for a delay that all have.
  private func isOfSameRun(_ callers: [ClientRequest?], _ run: RealRun) -> Bool {
    let delays = zip(callers, run.times).flatMap { caller, own in
      guard let caller, let ttft = own.ttft, let e2el = own.e2el else { return [Nanoseconds]() }
      return [caller.ttft - ttft, caller.e2el - e2el]
    }.sorted()
    guard let middle = delays.isEmpty ? nil : delays[delays.count / 2] else { return true }
    let unlike = delays.map { ($0 - middle).rawValue.magnitude }.sorted()
    return unlike[unlike.count * 9 / 10] <= Limits.callerDelayVariationMax.rawValue
  }

  /// What is wrong with a recording of the policy's real run where, for a batch of it, another was chosen when
  /// it was recorded than the policy chooses; `nil` where both choose alike.
  func fault(
    of policy: any SelectionPolicy, beside inForce: any SelectionPolicy, _ batch: AttentionBatch,
    _ run: ReplaySource
  ) -> CommandError? {
    guard inForce.name != policy.name else { return nil }
    let context = run.engine.attentionContext
    var batch = batch
    context.pad(&batch)
    guard
      inForce.choose(for: batch.summary, in: context)
        != policy.choose(for: batch.summary, in: context)
    else { return nil }
    return .failed(
      "'\(run.path)' was recorded under '\(inForce.name)', which does not choose as '\(policy.name)' does; "
        + "name the log's own policy with --policy, and its recording with --steps")
  }
}
