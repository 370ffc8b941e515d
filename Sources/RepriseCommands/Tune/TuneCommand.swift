public import ArgumentParser
import ConfigurationFiles
import KernelSelection
import Reports
public import RuleTuning
import StepTiming
import TraceModel

/// `reprise tune`: the best rule of a stated form for some traffic.
struct TuneCommand: ConsoleCommand {
  static let configuration = CommandConfiguration(
    commandName: "tune",
    abstract: "Find the best selection rule of a form for some traffic; judge it on other traffic.",
    discussion: """
      Without --held-out the rule is tuned on the first 70 % of each trace's batches and judged on the \
      rest. A trace of arrivals is rescheduled under the first --policy. The rule is printed as a \
      table, as a rule file for 'replay --rule' and as a Python function.
      """)

  /// What the result looks like.
  enum Format: String, ExpressibleByArgument, CaseIterable {
    case text
    case json
    case yaml
    case python
  }

  @Argument(help: "Traces to tune on, .reprise files.")
  var traces: [String]

  @Option(parsing: .upToNextOption, help: "Traces to judge on.")
  var heldOut: [String] = []

  @Option(help: ArgumentHelp("The rule's form: \(RuleForm.explanation)."))
  var form: RuleForm = .tree(depth: 3)

  @Option(help: "Kernel variants to choose among, separated by commas.")
  var variants: String = FastestNames.joined

  @Option(help: "Numbers that the rule may look at, separated by commas; default: all of a batch.")
  var quantities: String?

  @Flag(help: "Look only at what is known when a CUDA graph is captured: padded rows.")
  var graphSafe = false

  @Option(name: .customLong("policy"), help: "Rules to judge beside it, separated by commas.")
  var policies: [String] = ["vllm-0.33"]

  @Option(help: "A rule from a YAML file to judge beside it; may be given more than once.")
  var rule: [String] = []

  @Option(help: "The tuned rule's name.")
  var name: String = "tuned"

  @OptionGroup var options: TimingOptions

  @Option(help: "Seed of the confidence intervals.")
  var seed: UInt64 = 0

  @Option(help: "Also write NAME.yaml, NAME.py and NAME.json into this directory.")
  var output: String?

  @Option(help: "Form of the result: text, json, yaml or python.")
  var format: Format = .text

  func validate() throws {
    guard RuleFile.isPolicyName(name) else {
      throw ValidationError(
        "--name takes 1 to 64 of a-z, A-Z, 0-9 and . _ - @, and no known policy's")
    }
    var files: [FileIdentity] = []
    for path in traces + heldOut {
      guard let file = FileSystem.identity(of: path) else { continue }
      guard !files.contains(file) else {
        throw ValidationError("'\(path)' is named twice; tune and judge on each trace once")
      }
      files.append(file)
    }
  }

  func run(on console: Console) async throws {
    let tuner = RuleTuner(
      form: form, quantities: try chosenQuantities(), variants: try chosenVariants())
    let others = try PolicyList.read(names: policies, rules: rule)
    var all = tuner.variants
    for variant in others.flatMap(\.variants) where !all.contains(variant) { all.append(variant) }
    var timing = ""
    var notes: [String] = []
    func traffic(_ path: String) throws -> TuningReport.Traffic {
      let source = try options.source(path: path)
      let (times, measured, words) = try options.times(for: source, variants: all, on: console)
      let tabulation = BatchTabulation(
        source: source, times: times, variants: all, policy: others[0])
      let table = try tabulation.table(on: console)
      if let measured { GPUOptions.tell(measured, on: console) }
      guard table.count > 0 else { throw TuningError.noBatches(trace: path) }
      timing = "\(times.description.source.rawValue): \(times.description.attention)"
      let estimates = measured?.estimates.map { ["\(path): \($0.words)"] } ?? []
      for word in words + estimates where !notes.contains(word) { notes.append(word) }
      return TuningReport.Traffic(name: path, batches: tabulation.words, table: table)
    }
    let given = try traces.map(traffic)
    let (training, judged) =
      heldOut.isEmpty
      ? Self.parts(given) : (given, try heldOut.map(traffic))
    let source = "reprise tune --form \(form.name) on \(traces.joined(separator: ", "))"
    let tuned = try tuner.rule(for: training.map(\.table), name: name, source: source)
    notes += TrainingRange(training.map(\.table)).notes(on: judged.map(\.table))
    notes += graphNotes(of: tuned)
    let report = try TuningReport(
      rule: tuned, tuner: tuner, training: training, heldOut: judged,
      hasHeldOutTraces: !heldOut.isEmpty, others: others, timing: timing, notes: notes,
      yaml: RuleFile.text(of: tuned),
      python: RulePython(tuned, origin: origin(of: training, timing: timing)).text, seed: seed)
    if let output { try write(report, to: output) }
    switch format {
    case .text: try console.print(report.text())
    case .json: try console.print(report.json().text(pretty: true) + "\n")
    case .yaml: try console.print(report.yaml)
    case .python: try console.print(report.python)
    }
  }

  private func write(_ report: TuningReport, to directory: String) throws {
    try FileSystem.makeDirectory(directory)
    for (ending, text) in [
      ("yaml", report.yaml), ("py", report.python),
      ("json", report.json().text(pretty: true) + "\n"),
    ] {
      let file = try ResultFile(path: "\(directory)/\(name).\(ending)")
      try file.write(text.utf8.span)
      try file.finish()
    }
  }

  /// The first 70 % of each trace's batches, and the rest.
  private static func parts(
    _ given: [TuningReport.Traffic]
  ) -> ([TuningReport.Traffic], [TuningReport.Traffic]) {
    func part(_ traffic: TuningReport.Traffic, _ words: String, _ places: Range<Int>)
      -> TuningReport.Traffic
    {
      .init(
        name: "\(traffic.name) (\(words))", batches: traffic.batches,
        table: traffic.table.selecting(places))
    }
    let pairs = given.map { traffic in
      let count = traffic.table.count
      let cut = max(1, count * 7 / 10)
      return (
        part(traffic, "first 70 %", 0..<cut),
        part(traffic, "last 30 %", min(cut, count - 1)..<count)
      )
    }
    return (pairs.map(\.0), pairs.map(\.1))
  }

  private func origin(of training: [TuningReport.Traffic], timing: String) -> [String] {
    ["Tuned by reprise, form \(form.name), on"]
      + training.map { "  \($0.name.split(separator: "/").last.map(String.init) ?? $0.name)" }
      + ["with times from", "  \(timing)."]
  }
}

extension TuneCommand {
  private func chosenVariants() throws -> [KernelVariant] {
    var chosen: [KernelVariant] = []
    for name in variants.split(separator: ",", omittingEmptySubsequences: false) {
      guard let variant = KernelVariant(name: String(name)) else {
        throw CommandError.usage(
          SelectionError(.unknownVariant(String(name)), name: "--variants").message)
      }
      if !chosen.contains(variant) { chosen.append(variant) }
    }
    guard chosen.count > 1 else {
      throw CommandError.usage(
        "a rule chooses among two variants or more; name them with --variants")
    }
    return chosen
  }

  private func chosenQuantities() throws -> [RuleQuantity] {
    var chosen = RuleTuner.hostQuantities
    if let quantities {
      chosen = []
      for name in quantities.split(separator: ",", omittingEmptySubsequences: false) {
        guard let quantity = RuleQuantity(rawValue: String(name)) else {
          let known = RuleQuantity.allCases.map(\.rawValue)
          throw CommandError.usage(
            "unknown quantity '\(name)' in --quantities; known are \(known.joined(separator: ", "))"
          )
        }
        if !chosen.contains(quantity) { chosen.append(quantity) }
      }
    }
    guard graphSafe else { return chosen }
    if quantities != nil, let late = chosen.first(where: { !$0.isKnownAtCapture }) {
      throw CommandError.usage(
        "--graph-safe cannot look at '\(late.rawValue)', which is not known at capture; "
          + "leave one of the two out")
    }
    return chosen.filter(\.isKnownAtCapture)
  }

  /// What an engine with whole-step graphs must do to follow the rule.
  private func graphNotes(of rule: RulePolicy) -> [String] {
    guard !rule.isKnownAtCapture else { return [] }
    return [
      "the rule looks at KV lengths, which the host knows at every launch but a CUDA graph of a whole "
        + "step does not: capture one graph a variant for each size and choose between them, launch "
        + "attention outside the graph (PIECEWISE), or tune with --graph-safe"
    ]
  }
}

/// The variants that vLLM's rules choose between.
enum FastestNames {
  static let joined: String =
    ((try? SelectionPolicies.named("fastest"))?.variants ?? []).map(\.name).joined(separator: ",")
}

extension RuleForm: ExpressibleByArgument {
  /// Reads a form; anything else is a wrong call.
  public init?(argument: String) { self.init(argument) }
  /// How help shows a default.
  public var defaultValueDescription: String { name }
}

extension TuningError: OneLineError {}
