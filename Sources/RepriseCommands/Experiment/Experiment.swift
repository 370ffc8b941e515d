import GPUMeasurement
import KernelSelection
import Reports
import TraceImport
import TraceModel

/// An experiment of a pull request, as it can be replayed: points, policies, what it stands beside.
protocol Experiment: Sendable {
  /// The name on the command line.
  var name: String { get }
  /// What it is, in a sentence.
  var title: String { get }
  /// What is drawn.
  var kind: ExperimentReport.Kind { get }
  /// The axis of the points.
  var xLabel: String { get }
  /// What is drawn over it.
  var yLabel: String { get }
  /// The engine, unless the call names one; `nil` where the traces say.
  var engine: String? { get }
  /// Which batches of its traces are executed.
  var batches: BatchSource { get }
  /// Policies, unless the call names some.
  var policies: [String] { get }
  /// The points in order.
  var points: [ExperimentPoint] { get }
  /// What the reader should know.
  var notes: [String] { get }

  /// Step times of one point.
  func times(
    for source: ReplaySource, policies: [any SelectionPolicy], options: StepTimeOptions,
    on console: Console
  ) throws -> PointTimes

  /// What real engines gave, from recordings in a folder; empty where there are none.
  func recordedFigures(in folder: String) throws -> [ExperimentReport.Figure]
}

extension Experiment {
  var batches: BatchSource { .rescheduled }

  func times(
    for source: ReplaySource, policies: [any SelectionPolicy], options: StepTimeOptions,
    on console: Console
  ) throws -> PointTimes {
    try options.times(for: source, variants: policies.flatMap(\.variants), on: console)
  }
}

/// Step times, those of them that were measured, and what the user should know of them.
typealias PointTimes = (times: StepTimes, measured: MeasuredAttentionTiming?, notes: [String])

/// One point of an experiment.
struct ExperimentPoint {
  /// Its place on the axis.
  let x: Double
  /// The place in words.
  let label: String
  /// The folder of its results.
  let folder: String
  /// Writes the trace of it to a path.
  let write: (String) throws -> Void

  /// A point of a workload's arrivals.
  init(
    x: Double, label: String, folder: String, workload: @escaping () throws -> ImportedWorkload
  ) {
    self.init(x: x, label: label, folder: folder) { (path: String) in
      try WorkloadTrace(
        try workload(), selection: WorkloadSelection(), source: "experiment"
      ).write(to: path)
    }
  }

  /// A point of any trace.
  init(x: Double, label: String, folder: String, write: @escaping (String) throws -> Void) {
    self.x = x
    self.label = label
    self.folder = folder
    self.write = write
  }
}

/// Every experiment by name.
enum Experiments {
  static let all: [any Experiment] = [
    LatencyExperiment(), ServingExperiment(), LatentExperiment(),
  ]

  static func named(_ name: String) throws(CommandError) -> any Experiment {
    if let experiment = all.first(where: { $0.name == name }) { return experiment }
    let known = all.map(\.name)
    let hint = NearestName.of(name, among: known).map { " (did you mean '\($0)'?)" } ?? ""
    throw .usage("unknown experiment '\(name)'\(hint); known are \(known.joined(separator: ", "))")
  }
}
