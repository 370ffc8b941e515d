public import KernelSelection
public import TraceModel

/// Reads an engine's host timing off a recording, each parameter from the steps that show it alone.
///
/// Medians, because a host's pauses are rare and long. What no step shows (a decode-only run has no
/// step in pieces) comes from `fallback`, launches in pieces scaled by the number of layers.
public struct HostFit: Sendable {
  private var scheduleDelays: [Nanoseconds] = []
  private var scheduleDurations: [Nanoseconds] = []
  /// How soon requests were seen: after their sending where that is known, and after their arrival.
  private var admissions = (sent: AdmissionFit(), arrived: AdmissionFit())
  private var gatheringFit: GatheringFit
  private var callerFit: CallerFit
  private var graphLaunches: [Nanoseconds] = []
  private var pieceLaunches: PieceLaunchFit
  private var loadedKernels: LoadedKernels
  private var firstKernels: [Nanoseconds] = []

  private let requests: [TraceRequest]
  private let callers: [CallerRecord?]
  private var started: [Bool] = []
  private var previous: TraceStep?
  private var beforePrevious: TraceStep?
  /// Whether nothing was in flight when the step before was scheduled.
  private var previousWasFirst = false
  /// How that step was launched, and whether that was the first launch of its size.
  private var previousLaunch = Launch()

  /// What of a step's launch counts here.
  private struct Launch: Sendable {
    /// Whether it was no single graph; a step without rows launches nothing.
    var isInPieces = false
    var isNewSize = false
    /// Whether it ended no sooner than the step, for another reason than the host's work.
    var waitsForGPU = false
  }

  /// A fit over a recording of these requests.
  ///
  /// - `callers`: by request, what its caller saw, on the recording's clock; empty where unknown
  /// - `loadedKernels`: what the engine's process had loaded before
  /// - `usesTriton`: which kernels attention ran on
  public init(
    requests: [TraceRequest], callers: [CallerRecord?] = [],
    loadedKernels: LoadedKernels = LoadedKernels(), usesTriton: Bool
  ) {
    precondition(callers.isEmpty || callers.count == requests.count, "a caller for each request")
    self.requests = requests
    self.callers = callers
    self.loadedKernels = loadedKernels
    callerFit = CallerFit(requests: requests, callers: callers)
    gatheringFit = GatheringFit(
      moments: requests.indices.map { place in
        callers.isEmpty ? requests[place].arrival : callers[place]?.sent ?? requests[place].arrival
      })
    pieceLaunches = PieceLaunchFit(usesTriton: usesTriton)
    started = Array(repeating: false, count: requests.count)
  }

  /// Takes the next step in, which was launched so.
  public mutating func add(_ step: TraceStep, launch stepLaunch: StepLaunch) {
    scheduleDurations.append(step.scheduleEnd - step.scheduleStart)
    noteAdmissions(step)
    callerFit.add(step, requests: requests, callers: callers)
    let isFirst = isFirstAfterRest(step)
    var launch = Launch(isInPieces: !step.rows.isEmpty && !stepLaunch.isFullGraph)
    launch.isNewSize = launch.isInPieces && loadedKernels.isNewSize(tokens: stepLaunch.tokens)
    launch.waitsForGPU = loadedKernels.waits(rows: step.rows.count, launch: stepLaunch)
    if let previous {
      if previousWasFirst { noteLaunches(of: previous, next: step, launch) }
      if !isFirst, let earlier = beforePrevious?.output, step.scheduleStart > earlier {
        let delay = step.scheduleStart - earlier
        // A longer one waited for a request, not for the host.
        if delay < Self.delayMax { scheduleDelays.append(delay) }
      }
      noteAwaitedLaunch(of: step, launch, previous: previous)
    }
    beforePrevious = previous
    previous = step
    previousWasFirst = isFirst
    previousLaunch = launch
  }

  /// Longer waits between an output and the next scheduling are waits for work.
  private static let delayMax = Nanoseconds(600_000)
  /// An output that comes so much after the GPU's end has waited for the next step's launch.
  private static let waitMin = Nanoseconds(500_000)

  /// Whether nothing was in flight when a step was scheduled.
  private func isFirstAfterRest(_ step: TraceStep) -> Bool {
    guard let previous else { return step.rows.allSatisfy { $0.computed.rawValue == 0 } }
    return previous.output.map { step.scheduleStart > $0 } ?? false
  }

  /// New requests were visible to this call of the scheduler, and not to the one before.
  private mutating func noteAdmissions(_ step: TraceStep) {
    let onlyNew = step.rows.allSatisfy { !started[Int($0.request)] }
    let isIdle = onlyNew && isFirstAfterRest(step)
    if isIdle { gatheringFit.add(step, requests: requests) }
    for row in step.rows where !started[Int(row.request)] {
      started[Int(row.request)] = true
      note(step, after: requests[Int(row.request)].arrival, isIdle: isIdle, &admissions.arrived)
      if !callers.isEmpty, let sent = callers[Int(row.request)]?.sent {
        note(step, after: sent, isIdle: isIdle, &admissions.sent)
      }
    }
  }

  /// An idle engine takes a request in as soon as it can.
  private func note(
    _ step: TraceStep, after origin: Nanoseconds, isIdle: Bool, _ fit: inout AdmissionFit
  ) {
    let seen = step.scheduleStart - origin
    guard isIdle else {
      fit.add(after: (previous?.scheduleStart ?? origin) - origin, before: seen)
      return
    }
    if previous == nil { fit.add(first: max(.zero, seen)) } else { fit.add(idle: max(.zero, seen)) }
  }

  /// A step scheduled when nothing was in flight: the next one is scheduled when it is launched.
  private mutating func noteLaunches(
    of step: TraceStep, next: TraceStep, _ nextLaunch: Launch
  ) {
    guard let output = step.output, let gpu = step.gpuTime else { return }
    let slack = max(.zero, output - step.scheduleEnd - gpu)
    guard next.scheduleStart < output else {
      firstKernels.append(slack)
      return
    }
    if previousLaunch.isInPieces, !previousLaunch.waitsForGPU {
      pieceLaunches.note(isNewSize: previousLaunch.isNewSize, hasPrompts: step.hasPrompts) {
        $0.add(next.scheduleStart - step.scheduleEnd)
      }
    }
    if slack < Self.waitMin {
      firstKernels.append(slack)
    } else if !nextLaunch.isInPieces {
      graphLaunches.append(max(.zero, output - next.scheduleEnd))
    }
  }

  /// A step in pieces that was launched before the output of the one before, which waits for that.
  ///
  /// Where the GPU's work was done first, the output waited for the launch; else the launch was done by
  /// then. Behind a prompt's long work in pieces that says nothing of a launch.
  private mutating func noteAwaitedLaunch(
    of step: TraceStep, _ launch: Launch, previous: TraceStep
  ) {
    guard let output = previous.output, launch.isInPieces, !launch.waitsForGPU,
      step.scheduleStart < output
    else { return }
    let time = output - step.scheduleEnd
    guard !previousLaunch.isInPieces || !previous.hasPrompts else { return }
    guard let gpu = previous.gpuTime, let earlier = beforePrevious?.output else { return }
    let wasAwaited = output - earlier > gpu + Self.waitMin
    pieceLaunches.note(isNewSize: launch.isNewSize, hasPrompts: step.hasPrompts) {
      if wasAwaited { $0.add(time) } else { $0.add(atMost: time) }
    }
  }

  /// What launches in pieces with prompts take in the middle; zero where too few were seen.
  var middleLaunch: Nanoseconds { pieceLaunches.middle ?? .zero }

  /// What is known here of how launches of one kind stand to those of another.
  var launchShares: LaunchShares { pieceLaunches.shares }

  /// Launches in pieces that were seen.
  var pieceLaunchCount: Int { pieceLaunches.seenCount }

  /// This fit's sightings and another's together.
  func pooled(with other: HostFit) -> HostFit {
    var all = self
    all.scheduleDelays += other.scheduleDelays
    all.scheduleDurations += other.scheduleDurations
    all.admissions.sent.add(other.admissions.sent)
    all.admissions.arrived.add(other.admissions.arrived)
    all.callerFit.add(other.callerFit)
    all.gatheringFit.add(other.gatheringFit)
    all.graphLaunches += other.graphLaunches
    all.pieceLaunches.add(other.pieceLaunches)
    all.firstKernels += other.firstKernels
    return all
  }

  /// How requests come in: sending, admission, waking up.
  ///
  /// Where sendings are unknown, what requests take from arrival to being seen beyond the
  /// fallback's admission counts as sending, up to the fallback's. How long a recording's first
  /// request waited counts where nothing else is known.
  private func intake(
    _ known: HostTiming?
  ) -> (
    sendDelay: Nanoseconds, admission: Nanoseconds, wakeUp: Nanoseconds, gathering: Nanoseconds
  ) {
    let usesSent = !admissions.sent.isEmpty
    let fit = usesSent ? admissions.sent : admissions.arrived
    let before = usesSent ? .zero : known?.sendDelay ?? .zero
    let idle = fit.idleAdmission ?? (known == nil ? fit.firstAdmission : nil)
    let expected = known.map { before + $0.admission } ?? idle
    let visibility = fit.admission(near: expected) ?? expected ?? .zero
    let sendDelay =
      usesSent
      ? callerFit.sendDelay ?? .zero
      : min(before, max(.zero, visibility - (known?.admission ?? .zero)))
    let wakeUp = idle.map { max(.zero, $0 - visibility) } ?? known?.wakeUp ?? .zero
    let gathering = known?.gathering ?? HostTiming.gathering(within: visibility + wakeUp)
    return (sendDelay, usesSent ? visibility : visibility - sendDelay, wakeUp, gathering)
  }

  /// The medians of what was seen.
  ///
  /// - `shares`: what is known of those from elsewhere
  public func timing(
    layers: Int, fallback: HostTiming?, fallbackLayers: Int,
    shares known: LaunchShares = LaunchShares()
  ) -> HostTiming {
    let share = launchShares.decode ?? known.decode ?? fallback?.decodeLaunchShare ?? 1
    let launches = pieceLaunches.times(
      layers: layers, fallback: fallback, fallbackLayers: fallbackLayers, decodeShare: share,
      libraryShare: known.library ?? 1)
    let intake = intake(fallback)
    let client = callerFit.clientDelay
    return HostTiming(
      sendDelay: intake.sendDelay, admission: intake.admission, wakeUp: intake.wakeUp,
      gathering: gatheringFit.gathering(unless: intake.gathering),
      scheduleDelay: scheduleDelays.upperMedian ?? fallback?.scheduleDelay ?? .zero,
      scheduleDuration: scheduleDurations.upperMedian ?? fallback?.scheduleDuration ?? .zero,
      firstKernel: firstKernels.upperMedian ?? fallback?.firstKernel ?? .zero,
      graphLaunch: graphLaunches.upperMedian ?? fallback?.graphLaunch ?? .zero,
      pieceLaunch: launches.middles.triton, libraryPieceLaunch: launches.middles.library,
      decodeLaunchShare: share, pieceLaunchSpread: launches.spread,
      decodeLaunchSpread: launches.decodeSpread,
      newSizeSpread: launches.newSizes,
      processPaces: launches.paces,
      outputDelay: .zero,
      clientDelay: client?.mean ?? fallback?.clientDelay ?? .zero,
      clientSpread: client.map(\.spread) ?? fallback?.clientSpread ?? .none)
  }
}

extension TraceStep {
  /// Whether some row has several new tokens.
  fileprivate var hasPrompts: Bool { rows.contains { $0.queryLength.rawValue > 1 } }
}
