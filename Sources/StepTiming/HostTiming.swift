public import KernelSelection
public import TraceModel

/// What the engine's processor adds around the GPU's work: named, fitted, never hidden elsewhere.
///
/// With asynchronous scheduling two steps are in flight; one thread schedules, launches and processes
/// tokens in turn:
/// ```
/// sent          =       arrival + sendDelay
/// schedule(n)   starts  max(output(n-2), launched(n-1)) + scheduleDelay, and sees what was sent `admission`
///                       before; on an idle engine at the first sent + admission + wakeUp if that is later,
///                       and sees what was sent up to `gathering` after the first
/// scheduleEnd(n) =      schedule(n) + scheduleDuration
/// launched(n)   =       scheduleEnd(n) + graphLaunch, or pieceLaunch or libraryPieceLaunch, of which a step
///                       without prompts takes decodeLaunchShare
/// gpuEnd(n)     =       max(max(gpuEnd(n-1), scheduleEnd(n) + firstKernel) + gpu time, launched(n))
/// launched(n)   becomes gpuEnd(n) where the process loads an output layer's kernel (`LoadedKernels`)
/// output(n)     =       max(gpuEnd(n), launched(n+1) if step n+1 was scheduled before) + outputDelay
/// ```
/// If there is nothing to schedule while step n is in flight, schedule(n+1) starts at
/// output(n) + scheduleDelay. Without asynchronous scheduling it always does, and nothing overlaps.
/// Launches in pieces differ by `pieceLaunchSpread` from one to the next, by `newSizeSpread` where the
/// process launches a size for the first time, and from process to process by `processPaces`.
/// The caller has a token `clientDelay` after its output, in the mean over steps, which differ by
/// `clientSpread`. Callers count from sending.
public struct HostTiming: Hashable, Sendable {
  /// From a request's arrival, as a trace or a load generator's plan has it, to its sending.
  public var sendDelay: Nanoseconds
  /// From a request's sending to the first moment that a busy engine's scheduler can see it.
  public var admission: Nanoseconds
  /// What an idle engine, which sleeps until a request comes, needs longer.
  public var wakeUp: Nanoseconds
  /// How much later than the request that wakes an idle engine another may be sent and be in its step.
  public var gathering: Nanoseconds
  /// From one step's output to the next call of the scheduler.
  public var scheduleDelay: Nanoseconds
  /// The scheduler's call.
  public var scheduleDuration: Nanoseconds
  /// From the scheduler's return to the first kernel of the step on an idle GPU.
  public var firstKernel: Nanoseconds
  /// From the scheduler's return to the launch's end, for a step that is one graph.
  public var graphLaunch: Nanoseconds
  /// The same for a step launched in pieces or kernel by kernel, with attention in Triton, whose
  /// launcher takes the host a while in every layer.
  public var pieceLaunch: Nanoseconds
  /// The same with attention from a library such as FlashAttention.
  public var libraryPieceLaunch: Nanoseconds
  /// What a launch in pieces takes where no row is a prompt, as a share of one with prompts.
  ///
  /// The runner prepares less. Such are decode steps of more rows than the largest graph.
  public var decodeLaunchShare: Double
  /// How `pieceLaunch` differs from launch to launch; launches with a library in proportion.
  public var pieceLaunchSpread: DelaySpread
  /// The same of launches without prompts; as with prompts, in proportion, where none were seen.
  public var decodeLaunchSpread: DelaySpread
  /// The same where a process launches a size for the first time and loads what runs it
  /// (`LaunchedSizes`); none where such launches are as the others.
  public var newSizeSpread: DelaySpread
  /// What processes take for launches in pieces, over the middle, ascending; empty where few were seen.
  public var processPaces: [Double]
  /// From the GPU's end of a step to its tokens at the scheduler.
  public var outputDelay: Nanoseconds
  /// From a token at the scheduler to the caller.
  public var clientDelay: Nanoseconds
  /// How that differs from step to step; the tokens of a step come together.
  public var clientSpread: DelaySpread
  /// What an engine's process has loaded before its first step.
  public var loadedKernels = LoadedKernels()

  /// Timing of a host; all zero means a host that costs nothing.
  ///
  /// `libraryPieceLaunch` is `pieceLaunch` where it is not given.
  public init(
    sendDelay: Nanoseconds = .zero, admission: Nanoseconds = .zero, wakeUp: Nanoseconds = .zero,
    gathering: Nanoseconds = .zero,
    scheduleDelay: Nanoseconds = .zero, scheduleDuration: Nanoseconds = .zero,
    firstKernel: Nanoseconds = .zero, graphLaunch: Nanoseconds = .zero,
    pieceLaunch: Nanoseconds = .zero, libraryPieceLaunch: Nanoseconds? = nil,
    decodeLaunchShare: Double = 1, pieceLaunchSpread: DelaySpread = .none,
    decodeLaunchSpread: DelaySpread = .none, newSizeSpread: DelaySpread = .none,
    processPaces: [Double] = [],
    outputDelay: Nanoseconds = .zero,
    clientDelay: Nanoseconds = .zero, clientSpread: DelaySpread = .none
  ) {
    self.sendDelay = sendDelay
    self.admission = admission
    self.wakeUp = wakeUp
    self.gathering = gathering
    self.scheduleDelay = scheduleDelay
    self.scheduleDuration = scheduleDuration
    self.firstKernel = firstKernel
    self.graphLaunch = graphLaunch
    self.pieceLaunch = pieceLaunch
    self.libraryPieceLaunch = libraryPieceLaunch ?? pieceLaunch
    self.decodeLaunchShare = decodeLaunchShare
    self.pieceLaunchSpread = pieceLaunchSpread
    self.decodeLaunchSpread = decodeLaunchSpread
    self.newSizeSpread = newSizeSpread
    self.processPaces = processPaces
    self.outputDelay = outputDelay
    self.clientDelay = clientDelay
    self.clientSpread = clientSpread
  }

  /// What `gathering` is taken for where too few bursts were recorded, given what an idle engine takes
  /// from a sending to its step: the message is on its way for about half of that, and others that are
  /// sent meanwhile come before the engine is awake.
  public static func gathering(within idle: Nanoseconds) -> Nanoseconds {
    Nanoseconds(idle.rawValue / 2)
  }

  /// From arrival to the first moment that a busy engine's scheduler can see a request.
  public var visibility: Nanoseconds { sendDelay + admission }

  /// From the output of a step to its tokens' callers.
  public func clientDelay(ofStep step: Int) -> Nanoseconds {
    clientDelay + clientSpread.offset(ofStep: step)
  }

  /// From the scheduler's return to the launch's end of a step that runs a kernel, in the middle.
  public func launch(
    of step: StepLaunch, attention family: KernelFamily, hasPrompts: Bool
  ) -> Nanoseconds {
    if step.isFullGraph { return graphLaunch }
    let launch = family.isTriton ? pieceLaunch : libraryPieceLaunch
    return hasPrompts ? launch : launch.scaled(by: decodeLaunchShare)
  }

  /// The same for a launch in pieces that comes after `count` others, of a size that the process has
  /// launched before or not.
  public func launch(
    of step: StepLaunch, attention family: KernelFamily, hasPrompts: Bool, afterPieces count: Int,
    isNewSize: Bool = false
  ) -> Nanoseconds {
    let middle = launch(of: step, attention: family, hasPrompts: hasPrompts)
    guard !step.isFullGraph, pieceLaunch > .zero else { return middle }
    let special = hasPrompts ? (isNewSize ? newSizeSpread : .none) : decodeLaunchSpread
    let spread = special == .none ? pieceLaunchSpread : special
    let offset = spread.offset(ofStep: count).scaled(by: middle, over: pieceLaunch)
    return min(TimingLimits.launchMax, max(.zero, middle + offset))
  }

  /// The same host with launches in pieces as that of `processPaces` takes them whose place is given.
  public func process(_ place: Int) -> HostTiming {
    let pace = processPaces[place]
    func paced(_ time: Nanoseconds) -> Nanoseconds {
      Nanoseconds(Int64((Double(time.rawValue) * pace).rounded()))
    }
    var host = self
    host.pieceLaunch = paced(pieceLaunch)
    host.libraryPieceLaunch = paced(libraryPieceLaunch)
    host.pieceLaunchSpread = DelaySpread(offsets: pieceLaunchSpread.offsets.map(paced))
    host.decodeLaunchSpread = DelaySpread(offsets: decodeLaunchSpread.offsets.map(paced))
    host.newSizeSpread = DelaySpread(offsets: newSizeSpread.offsets.map(paced))
    return host
  }
}
