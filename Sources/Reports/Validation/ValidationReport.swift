import TraceModel

/// Everything that one `validate` says, before it is put in words or JSON.
public struct ValidationReport: Sendable {
  /// What was replayed.
  public var trace: TraceDescription
  /// The client log and its format.
  public var client: (name: String, format: String)
  /// The policy that the real run followed.
  public var policy: String
  /// The policy that the trace was recorded under; `nil` where it holds arrivals alone.
  public var recordedPolicy: String?
  /// Which batches the prediction executes.
  public var batches: BatchSource
  /// Where step times come from.
  public var timing: TimingDescription
  /// The engine.
  public var engine: String
  /// The GPU.
  public var machine: String
  /// What the user should know before reading the numbers.
  public var notes: [String]
  /// What real callers saw.
  public var real: CallerTimes
  /// Requests that failed at the client.
  public var failed: Int
  /// Requests of the log that are compared with nothing: not in the trace, or not served by the model.
  public var leftOut: Int
  /// The prediction by batches: `recorded` where the trace has some, `rescheduled` always.
  public var replays: [(batches: BatchSource, times: CallerTimes)]
  /// How far the prediction moves with its arrivals.
  public var spread: PredictionSpread
  /// How far two real runs are apart.
  public var floor: NoiseFloor?
  /// How the replay's batches depart from the recorded ones; `nil` without recorded ones.
  public var divergence: SchedulerDivergence?
  /// The real run's own recording, where one is given, with its name.
  public var realRun: (name: String, run: RealRun)?
  /// The policy against the recorded one; empty where they are the same.
  public var differences: [PredictedDifference]
  /// The errors that are allowed.
  public var bounds: [ErrorBound]

  /// The prediction that is judged.
  public var predicted: CallerTimes {
    replays.first { $0.batches == batches }?.times ?? replays[0].times
  }

  /// A statistic of that prediction in milliseconds: of rescheduled batches the middle of all
  /// replays.
  public func predicted(_ statistic: Statistic) -> Double? { predicted(statistic, by: batches) }

  /// The same by one way to form batches.
  func predicted(_ statistic: Statistic, by batches: BatchSource) -> Double? {
    batches == .rescheduled
      ? spread.middle(statistic)
      : replays.first { $0.batches == batches }?.times.value(statistic)
  }

  /// The prediction's values at places from 0 to 1 of their order, in milliseconds.
  func predictedQuantiles(_ metric: PolicyComparison.Metric, at places: [Double]) -> [Double] {
    batches == .rescheduled
      ? spread.quantiles(metric, at: places) : predicted.quantiles(metric, at: places)
  }

  /// How far the prediction that is judged moves with its arrivals: on recorded batches not at all.
  var judged: PredictionSpread {
    batches == .rescheduled ? spread : PredictionSpread(base: predicted, jittered: [])
  }

  /// A report of one comparison.
  public init(
    trace: TraceDescription, client: (name: String, format: String), policy: String,
    recordedPolicy: String?, batches: BatchSource, timing: TimingDescription, engine: String,
    machine: String, notes: [String], real: CallerTimes, failed: Int, leftOut: Int = 0,
    replays: [(batches: BatchSource, times: CallerTimes)], spread: PredictionSpread,
    floor: NoiseFloor?, divergence: SchedulerDivergence?,
    realRun: (name: String, run: RealRun)?, differences: [PredictedDifference],
    bounds: [ErrorBound]
  ) {
    precondition(!replays.isEmpty, "a prediction is a replay")
    self.trace = trace
    self.client = client
    self.policy = policy
    self.recordedPolicy = recordedPolicy
    self.batches = batches
    self.timing = timing
    self.engine = engine
    self.machine = machine
    self.notes = notes
    self.real = real
    self.failed = failed
    self.leftOut = leftOut
    self.replays = replays
    self.spread = spread
    self.floor = floor
    self.divergence = divergence
    self.realRun = realRun
    self.differences = differences
    self.bounds = bounds
  }

  /// The prediction's error as a share of the real value; `nil` where one of them is unknown.
  public func error(_ measure: ErrorBound.Measure) -> Double? {
    let values: (Double?, Double?) =
      switch measure {
      case .statistic(let statistic): (predicted(statistic), real.value(statistic))
      case .throughput: (predicted.throughput, real.throughput)
      }
    guard let predicted = values.0, let real = values.1, real > 0 else { return nil }
    return predicted / real - 1
  }

  /// The half-width as a share of the real value.
  func floorShare(_ statistic: Statistic) -> Double? {
    guard let width = judged.halfWidth(statistic, floor: floor),
      let value = real.value(statistic), value > 0
    else { return nil }
    return width / value
  }

  /// Errors beyond what is allowed, in the order of `bounds`, each in words.
  public var broken: [String] {
    bounds.compactMap { bound in
      guard let error = error(bound.measure) else {
        return "\(bound.measure.name) is not in the client log, so its bound cannot be held"
      }
      guard error.magnitude > bound.share else { return nil }
      return "\(bound.measure.name) is \(NumberText.signedPercent(error, places: 2)) off, "
        + "allowed are \(NumberText.percent(bound.share, places: 2))"
    }
  }
}

/// An error that is allowed, as a share.
public struct ErrorBound: Hashable, Sendable {
  /// What is bounded.
  public enum Measure: Hashable, Sendable {
    /// A statistic of a distribution.
    case statistic(Statistic)
    /// Output tokens a second.
    case throughput

    /// Such as `itl-mean` or `throughput`.
    public var name: String {
      switch self {
      case .statistic(let statistic): statistic.name
      case .throughput: "throughput"
      }
    }

    /// The measure of a name; `nil` for anything else.
    public init?(name: String) {
      if name == "throughput" {
        self = .throughput
      } else if let statistic = Statistic(name: name) {
        self = .statistic(statistic)
      } else {
        return nil
      }
    }

    /// All names.
    public static var names: [String] { Statistic.all.map(\.name) + ["throughput"] }
  }

  /// What is bounded.
  public var measure: Measure
  /// The largest absolute error, as a share.
  public var share: Double

  /// A bound.
  public init(_ measure: Measure, share: Double) {
    self.measure = measure
    self.share = share
  }
}
