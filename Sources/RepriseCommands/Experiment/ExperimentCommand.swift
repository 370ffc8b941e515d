import ArgumentParser
import KernelSelection
import Reports
import TraceImport
import TraceModel

/// `reprise experiment`: a pull request's experiment, replayed.
struct ExperimentCommand: ConsoleCommand {
  static let configuration = CommandConfiguration(
    commandName: "experiment",
    abstract: "Replay the experiment of a kernel pull request, beside its own and real figures.",
    discussion: Experiments.all.map { "\($0.name): \($0.title)." }.joined(separator: "\n"))

  @Argument(help: ArgumentHelp("\(Experiments.all.map(\.name).joined(separator: ", "))."))
  var name: String

  @Option(help: "The directory for experiment.json and one folder a point.")
  var output: String

  @Option(name: .customLong("policy"), help: "Other selection policies than the experiment's own.")
  var policies: [String] = []

  @Option(help: "A rule from a YAML file as a further policy; may be given more than once.")
  var rule: [String] = []

  @OptionGroup var stepTimes: StepTimeOptions

  @Option(help: "Another engine to model, as for 'replay'.")
  var engine: String?

  @Option(help: "The folder of recorded runs to print beside.")
  var recordings: String = "traces/h200"

  @Option(help: "Seed of the confidence intervals.")
  var seed: UInt64 = 0

  @Option(help: "Form of the result: text or json.")
  var format: ResultFormat = .text

  func run(on console: Console) async throws {
    let experiment = try Experiments.named(name)
    let names = policies.isEmpty ? experiment.policies : policies
    let folder = ReplayFolder(
      policies: try PolicyList.read(names: names, rules: rule), options: stepTimes, seed: seed,
      console: console)
    let published = try PublishedFigures(experiment: experiment.name)
    let recorded = try experiment.recordedFigures(in: recordings)
    try FileSystem.makeDirectory(output)
    var points: [ExperimentReport.Point] = []
    for point in experiment.points {
      let directory = "\(output)/\(point.folder)"
      try FileSystem.makeDirectory(directory)
      let trace = "\(directory)/trace.reprise"
      try point.write(trace)
      let source = try ReplaySource(
        path: trace, batches: nil, engine: engine ?? experiment.engine,
        selection: WorkloadSelection())
      let times = try experiment.times(
        for: source, policies: folder.policies, options: stepTimes, on: console)
      let report = try await folder.write(
        source, name: "\(point.folder)/trace.reprise", to: directory, times: times)
      points.append(.init(x: point.x, label: point.label, folder: point.folder, report: report))
    }
    let without =
      "no recorded run in '\(recordings)' to print beside; name a folder with --recordings"
    let report = ExperimentReport(
      name: experiment.name, kind: experiment.kind, title: experiment.title,
      xLabel: experiment.xLabel, yLabel: experiment.yLabel,
      notes: experiment.notes + published.notes
        + (recorded.isEmpty && experiment.kind != .mla ? [without] : []),
      points: points, figures: recorded + published.figures)
    try ReplayFolder.write(report, to: output)
    switch format {
    case .text: try console.print(report.text())
    case .json: try console.print(report.json().text(pretty: true) + "\n")
    }
  }
}
