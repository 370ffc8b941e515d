import KernelSelection
import StepTiming
import TraceModel

/// When each step is scheduled, executed and answered, by the formulas of `HostTiming`.
///
/// A step *begins* when the scheduler has formed it and *completes* when its tokens are processed.
/// With asynchronous scheduling a step begins while the one before it is in flight; the engine then
/// waits for the older one. Without it, each step completes before the next begins.
struct EngineTimeline {
  /// Steps that may be in flight at once.
  let depth: Int
  /// Steps in flight.
  private(set) var inFlight = 0
  /// Steps launched in pieces so far.
  private var pieceLaunches: Int
  /// What its process has loaded.
  private var loadedKernels: LoadedKernels

  private let host: HostTiming
  /// The GPU's end of the steps in flight, the older first.
  private var gpuEnds = (Nanoseconds.zero, Nanoseconds.zero)
  /// When the GPU and the launching host became free, and when tokens were last processed.
  private var gpuEnd = Self.longAgo
  private var launched = Self.longAgo
  private var output = Self.longAgo

  /// Before all arrivals, and far enough from the limits of `Int64` for sums.
  private static let longAgo = Nanoseconds(-(1 << 61))

  /// An engine at rest, which has launched so many steps in pieces before.
  init(asynchronous: Bool, host: HostTiming, pieceLaunches: Int = 0) {
    depth = asynchronous ? 2 : 1
    self.host = host
    loadedKernels = host.loadedKernels
    self.pieceLaunches = pieceLaunches
  }

  /// Whether the engine must wait for tokens before it schedules again.
  var isFull: Bool { inFlight == depth }

  /// The first moment at which the scheduler can be called again.
  var nextSchedule: Nanoseconds { max(output, launched) + host.scheduleDelay }

  /// When the oldest step's tokens would be processed if nothing else were launched; `nil` when
  /// idle.
  var nextOutput: Nanoseconds? {
    inFlight > 0 ? max(gpuEnds.0, launched) + host.outputDelay : nil
  }

  /// A step whose scheduling starts at `start` is launched.
  mutating func begin(at start: Nanoseconds, time: StepTime) {
    precondition(!isFull, "the oldest step must complete before another begins")
    let scheduled = start + host.scheduleDuration
    let isNewSize =
      !time.launch.isFullGraph && loadedKernels.isNewSize(tokens: time.launch.tokens)
    launched =
      scheduled
      + host.launch(
        of: time.launch, attention: time.variant.family, hasPrompts: time.hasPrompts,
        afterPieces: pieceLaunches, isNewSize: isNewSize)
    if !time.launch.isFullGraph { pieceLaunches += 1 }
    gpuEnd = max(max(gpuEnd, scheduled + host.firstKernel) + time.gpu, launched)
    if loadedKernels.waits(rows: time.rows, launch: time.launch) { launched = gpuEnd }
    if inFlight == 0 { gpuEnds.0 = gpuEnd } else { gpuEnds.1 = gpuEnd }
    inFlight += 1
  }

  /// The oldest step's tokens reach the scheduler, at the time returned.
  ///
  /// One thread launches and processes, so it cannot see them before its last launch has ended.
  mutating func complete() -> Nanoseconds {
    guard let next = nextOutput else { preconditionFailure("no step is in flight") }
    output = next
    gpuEnds.0 = gpuEnds.1
    inFlight -= 1
    return output
  }

  /// Lets `length` pass after the last output: what a recording does not show has taken so long.
  mutating func pause(for length: Nanoseconds) {
    precondition(inFlight == 0, "a pause begins when nothing is in flight")
    output += length
  }
}
