import Metrics
import TraceModel

/// Replays along one axis, beside what others have published and what a real engine did.
public struct ExperimentReport: Sendable {
  /// What is drawn against what.
  public enum Kind: String, Sendable {
    /// End-to-end latency against output tokens.
    case latency
    /// TTFT and ITL against the request rate.
    case serving
    /// Tokens a second against context.
    case mla
    /// Any traces and rates.
    case sweep
  }

  /// One place on the axis: one replay's folder.
  public struct Point: Sendable {
    /// The place.
    public var x: Double
    /// The place in words.
    public var label: String
    /// The folder of the replay's results, from the experiment's own.
    public var folder: String
    /// The trace, where an experiment has several.
    public var trace: String?
    /// The replay.
    public var report: ReplayReport

    /// A place with its replay.
    public init(
      x: Double, label: String, folder: String, trace: String? = nil, report: ReplayReport
    ) {
      self.x = x
      self.label = label
      self.folder = folder
      self.trace = trace
      self.report = report
    }
  }

  /// A number that was not computed here.
  public struct Figure: Hashable, Sendable {
    /// Where it comes from.
    public enum Origin: String, Sendable {
      /// A pull request says so.
      case published
      /// A recorded run of a real engine gave it.
      case recorded
    }

    /// Whether it was published or recorded.
    public var origin: Origin
    /// The line that it belongs to.
    public var series: String
    /// Policies that it stands beside.
    public var policies: [String]
    /// Its place on the axis.
    public var x: Double
    /// Its value.
    public var y: Double
    /// The value's unit.
    public var unit: String
    /// What it is: `ttft_ms`, `itl_ms`, `e2el_ms` or `tokens_per_s`.
    public var metric: String
    /// What it was obtained on.
    public var hardware: String
    /// Where it can be read up.
    public var source: String

    /// A number with its origin.
    public init(
      origin: Origin, series: String, policies: [String], x: Double, y: Double, unit: String,
      metric: String, hardware: String, source: String
    ) {
      self.origin = origin
      self.series = series
      self.policies = policies
      self.x = x
      self.y = y
      self.unit = unit
      self.metric = metric
      self.hardware = hardware
      self.source = source
    }
  }

  /// The experiment's name on the command line.
  public var name: String
  /// What is drawn.
  public var kind: Kind
  /// What it is, in a sentence.
  public var title: String
  /// The axis along which points lie.
  public var xLabel: String
  /// What is drawn over it.
  public var yLabel: String
  /// What the reader should know.
  public var notes: [String]
  /// The replays, in order.
  public var points: [Point]
  /// What others say.
  public var figures: [Figure]

  /// A report of replays.
  public init(
    name: String, kind: Kind, title: String, xLabel: String, yLabel: String, notes: [String],
    points: [Point], figures: [Figure]
  ) {
    self.name = name
    self.kind = kind
    self.title = title
    self.xLabel = xLabel
    self.yLabel = yLabel
    self.notes = notes
    self.points = points
    self.figures = figures
  }

  /// The machine whose times the replays have.
  public var hardware: String { points.first?.report.machine ?? "" }

  /// What is drawn, with the heading of its column and its value under a policy.
  var metrics: [(key: String, heading: String, value: @Sendable (PolicySummary) -> Double?)] {
    switch kind {
    case .latency:
      [
        ("e2el_ms", "latency ms", { $0.e2el?.mean }), ("itl_ms", "mean ITL ms", { $0.itl?.mean }),
      ]
    case .serving, .sweep:
      [
        ("ttft_ms", "mean TTFT ms", { $0.ttft?.mean }), ("itl_ms", "mean ITL ms", { $0.itl?.mean }),
      ]
    case .mla: [("tokens_per_s", "tokens/s", { $0.itl.map { 1e3 / $0.mean } })]
    }
  }

  /// The key of a point's place.
  var xKey: String {
    switch kind {
    case .latency: "output_tokens"
    case .serving, .sweep: "rate"
    case .mla: "context_tokens"
    }
  }
}
