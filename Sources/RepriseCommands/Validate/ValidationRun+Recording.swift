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
  /// A trace that no `--steps` names is taken for the recording of the log's run where its tokens came
  /// when the log says that they did.
  func recording(
    _ path: String?, of callers: [ClientRequest?], _ notes: inout [String]
  ) throws -> (name: String, run: RealRun)? {
    let named =
      "where the error comes from is told by the real run's recording; name it with --steps"
    guard let path else {
      notes.append(named)
      return nil
    }
    let run = try realRun(path)
    if path == source.path, !isOfSameRun(callers, run) {
      notes.append("the log is of another run than the trace, by when tokens came; " + named)
      return nil
    }
    if !run.hasGPUTimes {
      notes.append(
        "the real run's GPU times were not recorded, so errors of steps, attention and rest are in 'host'; "
          + "record with REPRISE_GPU_TIMES=1")
    }
    if let machine = source.reader.header.machine,
      let other = try TraceReader(path: path).header.machine, other != machine
    {
      notes.append(
        "the trace is of machine \(machine), the real run of machine \(other); two machines differ")
    }
    return (name: path, run: run)
  }

  /// Whether requests took as long at their callers as in a recording, but for a delay that all have.
  private func isOfSameRun(_ callers: [ClientRequest?], _ run: RealRun) -> Bool {
    let delays = zip(callers, run.endToEnd).compactMap { caller, own in
      own.flatMap { own in caller.map { $0.e2el - own } }
    }.sorted()
    guard let middle = delays.isEmpty ? nil : delays[delays.count / 2] else { return true }
    let unlike = delays.map { ($0 - middle).rawValue.magnitude }.sorted()
    return unlike[unlike.count * 9 / 10] <= Limits.callerDelayVariationMax.rawValue
  }

  /// Makes sure that the policy chooses for a batch what was chosen when it was recorded.
  func hold(
    _ policy: any SelectionPolicy, to inForce: any SelectionPolicy, _ batch: AttentionBatch,
    _ run: ReplaySource
  ) throws(CommandError) {
    guard inForce.name != policy.name else { return }
    let context = run.engine.attentionContext
    var batch = batch
    context.pad(&batch)
    guard
      inForce.choose(for: batch.summary, in: context)
        != policy.choose(for: batch.summary, in: context)
    else { return }
    throw .failed(
      "'\(run.path)' was recorded under '\(inForce.name)', which does not choose as '\(policy.name)' does; "
        + "name the log's own policy with --policy, and its recording with --steps")
  }
}
