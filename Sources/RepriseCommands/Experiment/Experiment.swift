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
  /// The engine, unless the call names one.
  var engine: String { get }
  /// Policies, unless the call names some.
  var policies: [String] { get }
  /// The points in order.
  var points: [ExperimentPoint] { get }
  /// What the reader should know.
  var notes: [String] { get }

  /// What real engines gave, from recordings in a folder; empty where there are none.
  func recordedFigures(in folder: String) throws -> [ExperimentReport.Figure]
}

/// One point of an experiment.
struct ExperimentPoint {
  /// Its place on the axis.
  let x: Double
  /// The place in words.
  let label: String
  /// The folder of its results.
  let folder: String
  /// The requests that are sent.
  let workload: () throws -> ImportedWorkload
}

/// Every experiment by name.
enum Experiments {
  static let all: [any Experiment] = [LatencyExperiment(), ServingExperiment()]

  static func named(_ name: String) throws(CommandError) -> any Experiment {
    if let experiment = all.first(where: { $0.name == name }) { return experiment }
    let known = all.map(\.name)
    let hint = NearestName.of(name, among: known).map { " (did you mean '\($0)'?)" } ?? ""
    throw .usage("unknown experiment '\(name)'\(hint); known are \(known.joined(separator: ", "))")
  }
}
