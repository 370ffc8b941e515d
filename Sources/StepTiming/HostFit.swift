public import TraceModel

/// Reads an engine's host timing off a recording, each parameter from the steps that show it alone.
///
/// Medians, because a host's pauses are rare and long. What no step shows (a decode-only run has no
/// step in pieces) comes from `fallback`, launches scaled by the number of layers.
public struct HostFit: Sendable {
  private var scheduleDelays: [Nanoseconds] = []
  private var scheduleDurations: [Nanoseconds] = []
  private var admissions: [Nanoseconds] = []
  private var pieceLaunches: [Nanoseconds] = []
  private var firstKernels: [Nanoseconds] = []
  private var previous: TraceStep?
  private var beforePrevious: TraceStep?
  private var started: [Bool] = []
  private let requests: [TraceRequest]

  /// A fit over a recording of these requests.
  public init(requests: [TraceRequest]) {
    self.requests = requests
    started = Array(repeating: false, count: requests.count)
  }

  /// Takes the next step in.
  public mutating func add(_ step: TraceStep) {
    scheduleDurations.append(step.scheduleEnd - step.scheduleStart)
    var newest: Nanoseconds?
    for row in step.rows where !started[Int(row.request)] {
      started[Int(row.request)] = true
      newest = max(newest ?? requests[Int(row.request)].arrival, requests[Int(row.request)].arrival)
    }
    defer {
      beforePrevious = previous
      previous = step
    }
    guard let previous, let previousOutput = previous.output else { return }
    if step.scheduleStart > previousOutput {
      noteIdle(step, newest: newest)
    } else if let earlier = beforePrevious?.output, step.scheduleStart > earlier {
      let delay = step.scheduleStart - earlier
      // A longer one waited for a request, not for the host.
      if delay < Self.delayMax { scheduleDelays.append(delay) }
    }
    notePieceLaunch(step, previous: previous, output: previousOutput)
  }

  /// Longer waits between an output and the next scheduling are waits for work.
  private static let delayMax = Nanoseconds(600_000)

  /// The engine was idle, so the new request was scheduled as soon as the host could.
  private mutating func noteIdle(_ step: TraceStep, newest: Nanoseconds?) {
    if let newest, step.scheduleStart > newest { admissions.append(step.scheduleStart - newest) }
    if let output = step.output, let gpu = step.gpuTime {
      firstKernels.append(max(.zero, output - step.scheduleEnd - gpu))
    }
  }

  /// A step in pieces behind a decode step whose GPU work was done first: the decode step's output
  /// waited for the launch.
  private mutating func notePieceLaunch(
    _ step: TraceStep, previous: TraceStep, output: Nanoseconds
  ) {
    guard step.rows.contains(where: { $0.queryLength.rawValue > 1 }),
      !previous.rows.contains(where: { $0.queryLength.rawValue > 1 }),
      let gpu = previous.gpuTime, let earlier = beforePrevious?.output,
      step.scheduleStart < output, output - earlier > gpu + Nanoseconds(500_000)
    else { return }
    pieceLaunches.append(output - step.scheduleEnd)
  }

  /// Launches in pieces that were seen.
  var pieceLaunchCount: Int { pieceLaunches.count }

  /// This fit's sightings and another's together.
  func pooled(with other: HostFit) -> HostFit {
    var all = self
    all.scheduleDelays += other.scheduleDelays
    all.scheduleDurations += other.scheduleDurations
    all.admissions += other.admissions
    all.pieceLaunches += other.pieceLaunches
    all.firstKernels += other.firstKernels
    return all
  }

  /// The medians of what was seen.
  public func timing(layers: Int, fallback: HostTiming?, fallbackLayers: Int) -> HostTiming {
    let scaled = fallback.map {
      Nanoseconds($0.pieceLaunch.rawValue * Int64(layers) / Int64(max(1, fallbackLayers)))
    }
    return HostTiming(
      admission: Self.median(admissions) ?? fallback?.admission ?? .zero,
      scheduleDelay: Self.median(scheduleDelays) ?? fallback?.scheduleDelay ?? .zero,
      scheduleDuration: Self.median(scheduleDurations) ?? fallback?.scheduleDuration ?? .zero,
      firstKernel: Self.median(firstKernels) ?? fallback?.firstKernel ?? .zero,
      graphLaunch: .zero,
      pieceLaunch: Self.median(pieceLaunches) ?? scaled ?? .zero,
      outputDelay: .zero,
      clientDelay: fallback?.clientDelay ?? .zero)
  }

  /// The middle value, the upper of two; `nil` of nothing.
  static func median(_ values: [Nanoseconds]) -> Nanoseconds? {
    values.isEmpty ? nil : values.sorted()[values.count / 2]
  }
}
