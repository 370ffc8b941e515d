import ArgumentParser
import KernelSelection
import Reports
import StepTiming
import TraceImport
import TraceModel

/// `reprise experiment`: a pull request's experiment, replayed.
struct ExperimentCommand: ConsoleCommand {
  static let configuration = CommandConfiguration(
    commandName: "experiment",
    abstract: "Replay the experiment of a kernel pull request, beside its own and real figures.",
    discussion: (Experiments.all.map { "\($0.name): \($0.title)." } + [
      "With a GPU, name a store with --measurements: each batch is measured once, and a call that was "
        + "cut goes on from it."
    ]).joined(separator: "\n"))

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
    let chosen = try PolicyList.read(names: names, rules: rule)
    let published = try PublishedFigures(experiment: experiment.name)
    let recorded = try experiment.recordedFigures(in: recordings)
    try FileSystem.makeDirectory(output)
    var points: [ExperimentReport.Point] = []
    var notes = experiment.notes + published.notes
    let places = experiment.points
    for (number, point) in places.enumerated() {
      let console = console.about("\(point.folder), \(number + 1) of \(places.count)")
      let directory = "\(output)/\(point.folder)"
      try FileSystem.makeDirectory(directory)
      let trace = "\(directory)/trace.reprise"
      try point.write(trace)
      let source = try ReplaySource(
        path: trace, batches: experiment.batches, engine: engine ?? experiment.engine,
        selection: WorkloadSelection())
      let times = try experiment.times(
        for: source, policies: chosen, options: stepTimes, on: console)
      let timed = chosen.filter { !isLeftOut($0, of: experiment, times.times.attention) }
      for policy in chosen where !timed.contains(where: { $0.name == policy.name }) {
        let note =
          "\(policy.name) is left out: none of its kernels was executed; --timing profile has it"
        if !notes.contains(note) { notes.append(note) }
      }
      let report = try await ReplayFolder(
        policies: timed, options: stepTimes, seed: seed, console: console
      ).write(source, name: "\(point.folder)/trace.reprise", to: directory, times: times)
      points.append(.init(x: point.x, label: point.label, folder: point.folder, report: report))
    }
    let without =
      "no recorded run in '\(recordings)' to print beside; name a folder with --recordings"
    let report = ExperimentReport(
      name: experiment.name, kind: experiment.kind, title: experiment.title,
      xLabel: experiment.xLabel, yLabel: experiment.yLabel,
      notes: notes
        + (recorded.isEmpty && experiment.kind != .mla ? [without] : []),
      points: points, figures: recorded + published.figures)
    try ReplayFolder.write(report, to: output)
    switch format {
    case .text: try console.print(report.text())
    case .json: try console.print(report.json().text(pretty: true) + "\n")
    }
  }

  /// Whether one of the experiment's own policies has kernels without times; one that the call names is
  /// an error then.
  private func isLeftOut(
    _ policy: any SelectionPolicy, of experiment: any Experiment, _ attention: any AttentionTiming
  ) -> Bool {
    policies.isEmpty && experiment.policies.contains(policy.name)
      && !policy.variants.allSatisfy(attention.variants.contains)
  }
}
