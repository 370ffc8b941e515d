import ArgumentParser
import KernelSelection
import Reports
import TraceFile
import TraceImport
import TraceModel

/// `reprise sweep`: request rates × policies × traces in one folder.
struct SweepCommand: ConsoleCommand {
  static let configuration = CommandConfiguration(
    commandName: "sweep",
    abstract: "Replay traces, or random requests, at several request rates under several policies.",
    discussion: """
      Without a trace, random requests are drawn as by 'vllm bench serve', with the rate as seed. A \
      trace's arrivals are stretched or pressed to each rate; without --rates it is replayed as it is.
      """)

  @Argument(help: "Traces, .reprise files; none for random requests.")
  var traces: [String] = []

  @Option(help: "Requests a second, separated by commas.")
  var rates: String?

  @Option(name: .customLong("policy"), help: "Selection policies, separated by commas.")
  var policies: [String] = []

  @Option(help: "A rule from a YAML file as a further policy; may be given more than once.")
  var rule: [String] = []

  @Option(help: "The directory for experiment.json and one folder a replay.")
  var output: String

  @OptionGroup var drawn: DrawnRequests

  @OptionGroup var stepTimes: StepTimeOptions

  @Option(help: "The engine to model, as for 'replay'.")
  var engine: String?

  @Option(help: "Seed of the confidence intervals.")
  var seed: UInt64 = 0

  @Option(help: "Form of the result: text or json.")
  var format: ResultFormat = .text

  func validate() throws {
    var stems: Set<String> = []
    for trace in traces where !stems.insert(Self.stem(of: trace)).inserted {
      throw ValidationError("Two traces are called \(Self.stem(of: trace)); rename one")
    }
    guard !traces.isEmpty || rates != nil else {
      throw ValidationError("Name traces, or --rates for random requests")
    }
    if let option = drawn.given.first, !traces.isEmpty {
      throw ValidationError("\(option) is for random requests, which traces take the place of")
    }
  }

  func run(on console: Console) async throws {
    let rates = try chosenRates()
    let folder = ReplayFolder(
      policies: try PolicyList.read(names: policies, rules: rule), options: stepTimes, seed: seed,
      console: console)
    try FileSystem.makeDirectory(output)
    var points: [ExperimentReport.Point] = []
    for rate in traces.isEmpty ? rates : [] {
      let name = "rate-\(RateText.exact(rate))"
      try FileSystem.makeDirectory("\(output)/\(name)")
      let trace = "\(output)/\(name)/trace.reprise"
      try WorkloadTrace(drawing: drawn.workload(rate: rate).workload, source: "sweep")
        .write(to: trace)
      let source = try ReplaySource(
        path: trace, batches: .rescheduled, engine: engine, selection: WorkloadSelection())
      let report = try await folder.write(
        source, name: "\(name)/trace.reprise", to: "\(output)/\(name)")
      points.append(.init(x: rate, label: RateText.exact(rate), folder: name, report: report))
    }
    for trace in traces { points += try await self.points(of: trace, rates, folder) }
    let report = ExperimentReport(
      name: "sweep", kind: .sweep, title: title, xLabel: "requests/s",
      yLabel: "mean TTFT and mean ITL in ms", notes: [], points: points, figures: [])
    try ReplayFolder.write(report, to: output)
    switch format {
    case .text: try console.print(report.text())
    case .json: try console.print(report.json().text(pretty: true) + "\n")
    }
  }

  private var title: String {
    traces.isEmpty
      ? "Random requests of \(drawn.words), seed = rate"
      : "Replays of \(traces.joined(separator: ", "))"
  }

  private func chosenRates() throws -> [Double] {
    guard let rates else { return [] }
    var chosen: [Double] = []
    for text in rates.split(separator: ",", omittingEmptySubsequences: false) {
      guard let rate = Double(text), rate > 0, rate <= Limits.rateMax else {
        throw CommandError.usage(
          "'\(text)' in --rates is no number of requests a second above 0 and up to "
            + "\(RateText.exact(Limits.rateMax))")
      }
      guard !chosen.contains(rate) else {
        throw CommandError.usage("rate \(text) stands twice in --rates; name each once")
      }
      chosen.append(rate)
    }
    return chosen
  }

  /// One trace at each rate, or as it is.
  private func points(
    of trace: String, _ rates: [Double], _ folder: ReplayFolder
  ) async throws -> [ExperimentReport.Point] {
    let stem = Self.stem(of: trace)
    let natural = try Self.rate(of: trace)
    var points: [ExperimentReport.Point] = []
    for rate in rates.isEmpty ? [nil] : rates.map(Optional.some) {
      let name = rate.map { "\(stem)-rate-\(RateText.exact($0))" } ?? stem
      let scale = rate.map { $0 / natural } ?? 1
      guard WorkloadSelection.timeScales.contains(scale) else {
        throw CommandError.failed(
          "'\(trace)' has \(RateText.text(natural)) requests a second; "
            + "\(RateText.text(rate ?? 0)) is too far from that")
      }
      let source = try ReplaySource(
        path: trace, batches: rate == nil ? nil : .rescheduled, engine: engine,
        selection: WorkloadSelection(timeScale: scale))
      let report = try await folder.write(source, name: trace, to: "\(output)/\(name)")
      points.append(
        .init(
          x: rate ?? natural, label: rate.map(RateText.exact) ?? RateText.text(natural),
          folder: name, trace: stem, report: report))
    }
    return points
  }

  /// A trace's file name without its ending, which names its folders.
  private static func stem(of trace: String) -> String {
    let file = trace.split(separator: "/").last.map(String.init) ?? trace
    return file.hasSuffix(".reprise") ? String(file.dropLast(8)) : file
  }

  /// Requests a second over a trace's arrivals.
  private static func rate(of trace: String) throws -> Double {
    let arrivals = try TraceReader(path: trace).requests().map(\.arrival)
    let span = ((arrivals.max() ?? .zero) - (arrivals.min() ?? .zero)).seconds
    guard arrivals.count > 1, span > 0 else {
      throw CommandError.failed(
        "'\(trace)' has no request rate: its requests arrive at once; use 'replay'")
    }
    return Double(arrivals.count - 1) / span
  }
}

/// Rates as names and labels have them.
enum RateText {
  /// The shortest text that reads as this rate and no other; a whole number without a point.
  static func exact(_ rate: Double) -> String {
    Int(exactly: rate).map(String.init) ?? "\(rate)"
  }

  /// A whole number without a point; any other rounded to a thousandth.
  static func text(_ rate: Double) -> String {
    let rounded = (rate * 1000).rounded() / 1000
    return Int(exactly: rounded).map(String.init) ?? "\(rounded)"
  }
}
