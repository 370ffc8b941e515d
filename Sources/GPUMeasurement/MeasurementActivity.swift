public import KernelSelection
public import StepTiming
public import TraceModel

/// What measuring has done and what it has cost, of one process.
public struct MeasurementActivity: Hashable, Sendable {
  /// Measurements taken.
  public var measured = 0
  /// Replays of graphs, those before the timed ones included.
  public var replays = 0
  /// Calls captured into graphs.
  public var calls = 0
  /// GPU time of all replays.
  public var busy = Nanoseconds.zero
  /// Time within measurements that the GPU was not busy with replays: capturing, launching, waiting.
  public var host = Nanoseconds.zero
  /// Time for the driver, the context and raising the clocks.
  public var startUp = Nanoseconds.zero
  /// The most GPU memory that measuring held.
  public var memory = ByteCount(0)
  /// How far interpolated times were from measured ones; `nil` without a probe.
  public var interpolation: FitError?
  /// How the times that were asked for were found.
  public var answers: [MeasuredAnswers] = []
  /// How far estimated times are from measured ones that they were not made from; empty without estimates.
  public var estimates: [EstimateError] = []
  /// What the user should know.
  public var notes: [String] = []

  /// Nothing done.
  public init() {}

  /// Host time over GPU time; 0 where nothing was measured.
  public var hostShare: Double { busy > .zero ? host.seconds / busy.seconds : 0 }

  /// One line: measurements, GPU time, host time, memory.
  public var words: String {
    func milliseconds(_ time: Nanoseconds) -> String { "\(time.rawValue / 1_000_000) ms" }
    let each = host.rawValue / Int64(max(1, measured)) / 1000
    return "\(measured) batches, \(milliseconds(busy)) of GPU time in \(replays) replays, host "
      + "\(milliseconds(host)) (\(each) µs a batch, \(Int((100 * hostShare).rounded())) % of the "
      + "GPU's), start-up \(milliseconds(startUp)), \(memory.rawValue >> 20) MiB of GPU memory"
  }
}

/// How times of batches of one form were found, each counted as often as it was asked for.
public struct MeasuredAnswers: Hashable, Sendable {
  /// The form of the batches.
  public var form: EstimatedKernel.Form
  /// Times of the very batch, executed here or earlier.
  public var executed = 0
  /// Times on the line between two executed lengths of a growing decode batch.
  public var interpolated = 0
  /// Times of batches that were never executed, from those that were.
  public var estimated = 0

  /// No answers yet.
  public init(form: EstimatedKernel.Form) { self.form = form }

  /// What came since an earlier count of the same form.
  public func minus(_ earlier: MeasuredAnswers) -> MeasuredAnswers {
    var since = self
    since.executed -= earlier.executed
    since.interpolated -= earlier.interpolated
    since.estimated -= earlier.estimated
    return since
  }
}

/// How far a variant's estimated times are from measured ones that they were not made from.
public struct EstimateError: Hashable, Sendable {
  /// The kernel.
  public var variant: KernelVariant
  /// The form of the batches.
  public var form: EstimatedKernel.Form
  /// Absolute relative errors.
  public var error: FitError
}
