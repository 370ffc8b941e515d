import EngineSimulation
import KernelSelection
import MachineProfiles
import Metrics
import Reports
import StepTiming
import TraceFile
import TraceModel

extension ReplaySource {
  /// The replay that forms batches from the arrivals, moved by `jitter` if one is given, which then
  /// meets launches in another order, too, in a process of another pace, and finds that an idle engine
  /// gathers more or less.
  ///
  /// - `sent`: for each request when the callers of another run sent it, which are then the arrivals
  /// - `precedence`: the order of equal arrivals, where it is not that of the recording
  func rescheduledReplay(
    host: HostTiming, sent: [Nanoseconds?] = [], jitter: ArrivalJitter? = nil,
    precedence other: [Int32]? = nil
  ) throws -> RescheduledReplay {
    let arriving = sent.isEmpty ? requests : requests(sent: sent)
    var moved = jitter?.applied(to: arriving) ?? arriving
    // An order that is known is no matter of chance.
    if !sent.isEmpty { moved.keepOrder(of: arriving) }
    var host = host
    if let jitter {
      host.gathering = jitter.draw(upTo: host.gathering * 2)
      if !host.processPaces.isEmpty {
        host = host.process(jitter.place(of: host.processPaces.count))
      }
    }
    return RescheduledReplay(
      requests: moved,
      prefixBlockTokens: reader.header.prefixBlockTokens,
      precedence: try other ?? precedence(), recordedHits: recordedHits, engine: engine, host: host,
      launchesBefore: jitter.map { Int(truncatingIfNeeded: $0.seed &* 65_537) & 0xFFFF_FFFF } ?? 0)
  }

  /// Whether there are recorded batches of the same requests, few enough to be compared by the way.
  var comparesBatches: Bool {
    batches == .rescheduled && selection.isEverything
      && (1...Limits.comparedStepsMax).contains(reader.stepCount)
  }

  /// What callers would see under each policy if batches were formed anew, beside a replay of recorded
  /// ones; nothing where kernels would be executed for it, or where the model cannot follow the trace.
  func rescheduledTimes(
    of policies: [any SelectionPolicy], _ times: StepTimes
  ) -> [CallerTimes] {
    guard batches == .recorded, policies.count > 1, !times.isMeasured, selection.isEverything,
      reader.stepCount <= Limits.comparedStepsMax, !isSpeculative,
      let replay = try? rescheduledReplay(host: times.host)
    else { return [] }
    var all: [CallerTimes] = []
    for policy in policies {
      guard var timer = try? times.timer(for: policy, engine: engine, candidates: []),
        let outcome = try? replay.run(&timer)
      else { return [] }
      all.append(CallerTimes(outcome))
    }
    return all
  }

  /// How the batches of each policy depart from the recorded ones; empty where none were kept.
  func divergence(of outcomes: [PolicyOutcome]) throws(TraceFileError) -> [SchedulerDivergence] {
    let formed = outcomes.compactMap(\.batches)
    guard formed.count == outcomes.count, !formed.isEmpty else { return [] }
    let recorded = try recordedBatches()
    return formed.map { SchedulerDivergence(recorded: recorded, rescheduled: $0) }
  }

  /// What each recorded step was made of.
  func recordedBatches() throws(TraceFileError) -> BatchSequence {
    var batches = BatchSequence()
    var steps = try reader.steps()
    var step = TraceStep()
    while try steps.next(into: &step) { batches.add(step) }
    return batches
  }
}

extension MeasuredNoise {
  /// The noise floor that the binary carries.
  static func floor() throws(MachineProfileError) -> NoiseFloor {
    guard let floor = NoiseFloor(json: try json()) else {
      preconditionFailure("the noise floor in the binary lacks a member")
    }
    return floor
  }
}
