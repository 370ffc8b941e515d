import EngineSimulation
import KernelSelection
import Metrics
import StepTiming
import TraceModel

extension ReplayReport {
  /// The report for reading: at most 100 columns, the answer first, then what it rests on.
  public func text() -> String {
    let labels = PolicyLabels(policies.map(\.name))
    let sections = [
      overloadText(labels), answerText(labels), headingText(labels), overviewText(labels),
      distributionText(labels),
      gpuTimeText(labels), regretText(labels), requestText(labels), divergenceText(labels),
      differenceText(labels),
    ]
    return sections.filter { !$0.isEmpty }.joined(separator: "\n")
  }

  /// One line for each policy under which the engine did not keep up; nothing otherwise.
  private func overloadText(_ labels: PolicyLabels) -> String {
    let overloaded = policies.enumerated().filter { $1.load?.isOverloaded == true }
    guard let (_, first) = overloaded.first, let load = first.load else { return "" }
    let who =
      overloaded.count == policies.count
      ? "every policy" : overloaded.map { labels[$0.offset] }.joined(separator: ", ")
    let words = """
      OVERLOAD: more arrives than the engine serves under \(who). Under \(labels[first.name]) \
      \(NumberText.grouped(load.waitingAtLastArrival)) requests waited when the last one arrived, and the queue grew \
      by \(NumberText.fixed(load.waitingGrowth, places: 2)) of \
      \(NumberText.fixed(load.arrivalRate, places: 2)) arrivals a second: TTFT measures the length \
      of the trace. Stretch the arrivals (--time-scale below 1) or cut a window.
      """
    return TextLines.wrapped(words, width: TextLines.width).joined(separator: "\n") + "\n"
  }

  private func headingText(_ labels: PolicyLabels) -> String {
    let size =
      "\(NumberText.grouped(trace.requests)) requests over "
      + "\(NumberText.fixed(trace.arrivalSpan.seconds, places: 1)) s, "
      + "\(NumberText.grouped(trace.promptTokens)) prompt and "
      + "\(NumberText.grouped(trace.outputTokens)) output tokens"
    var facts = [("trace", trace.name), ("", size)]
    if !trace.selection.isEmpty { facts.append(("", "only " + trace.selection)) }
    facts += [
      ("engine", engine), ("machine", machine), ("batches", batches.explanation),
      ("timing", "\(timing.source.rawValue): \(timing.attention)"), ("", timing.rest),
    ]
    if !timing.errors.isEmpty {
      facts.append(("", "error on data not fitted to, median and 90th percentile: " + errorWords))
    }
    if let floor, comparisons.contains(where: { $0.floor != nil }) {
      facts.append(("noise", floor.words))
      if jitteredReplays > 0 { facts.append(("", floor.words(jitteredReplays: jitteredReplays))) }
    }
    facts += notes.map { ("note", $0) }
    facts += labels.explanations.map { ("policy", $0) }
    return facts.map { name, words in
      let lines = TextLines.wrapped(words, width: TextLines.width - 9)
      let padding = String(repeating: " ", count: 9 - name.count)
      return name + padding + lines.joined(separator: "\n         ") + "\n"
    }.joined()
  }

  private var errorWords: String {
    timing.errors.map { entry in
      "\(entry.part) \(NumberText.percent(entry.error.median)) and "
        + NumberText.percent(entry.error.p90)
    }.joined(separator: ", ")
  }

  /// The answer: mean TTFT and ITL of each policy against the first, and what attention cost.
  private func overviewText(_ labels: PolicyLabels) -> String {
    guard let first = policies.first else { return "" }
    let ttftPlaces = places(.ttft)
    let itlPlaces = places(.itl)
    let against = policies.count > 1 ? "vs first" : ""
    let mean = Statistic(.itl, .mean)
    let hasRescheduled = policies.count > 1 && !rescheduled.isEmpty
    var table = TextTable(
      [
        ("policy", .left), ("mean TTFT ms", .right), (against, .right), ("mean ITL ms", .right),
        (against, .right),
      ] + (hasRescheduled ? [("rescheduled", .right)] : [])
        + [("attention", .right), ("over fastest", .right)])
    for (index, policy) in policies.enumerated() {
      let gpu = policy.attention + policy.rest
      let fastest = policy.attention - policy.regret
      var cells = [
        labels[index], milliseconds(policy.ttft?.mean, ttftPlaces),
        index == 0 ? "" : relative(policy.ttft?.mean, to: first.ttft?.mean),
        milliseconds(policy.itl?.mean, itlPlaces),
        index == 0 ? "" : relative(policy.itl?.mean, to: first.itl?.mean),
      ]
      if hasRescheduled {
        cells.append(
          index == 0
            ? "" : relative(rescheduled[index].value(mean), to: rescheduled[0].value(mean)))
      }
      table.add(
        cells + [
          gpu > .zero ? NumberText.percent(policy.attention.seconds / gpu.seconds) : "-",
          fastest > .zero
            ? NumberText.signedPercent(policy.regret.seconds / fastest.seconds) : "-",
        ])
    }
    return table.text() + overviewLegend
  }

  /// What the last columns of the overview are.
  private var overviewLegend: String {
    var lines: [String] = []
    if policies.count > 1, !rescheduled.isEmpty {
      lines.append(
        "rescheduled: mean ITL vs first where a faster rule empties the engine sooner and meets smaller "
          + "batches, as a real engine's does; recorded batches leave that out")
    }
    lines.append("attention: its share of GPU time")
    if !fastestOf.isEmpty {
      let kernels =
        fastestOf.count > Self.namedKernelsMax
        ? "\(fastestOf.count) kernels" : fastestOf.joined(separator: ", ")
      lines[lines.count - 1] +=
        ("; over fastest: above that of the fastest of \(kernels) in each batch")
    }
    return lines.map {
      TextLines.wrapped($0, width: TextLines.width).joined(separator: "\n") + "\n"
    }.joined()
  }

  /// Kernels that a legend names one by one.
  private static let namedKernelsMax = 6

  private func distributionText(_ labels: PolicyLabels) -> String {
    var table = TextTable(
      [("ms", .left), ("policy", .left)]
        + ["mean", "p50", "p90", "p95", "p99", "max"].map { ($0, .right) })
    for (number, metric) in PolicyComparison.Metric.allCases.enumerated() {
      if number > 0 { table.addBreak() }
      let places = places(metric)
      for (index, policy) in policies.enumerated() {
        let name = index == 0 ? metric.label : ""
        guard let values = policy.distribution(metric) else {
          table.add([name, labels[index], "-", "-", "-", "-", "-", "-"])
          continue
        }
        table.add(
          [name, labels[index]]
            + [values.mean, values.p50, values.p90, values.p95, values.p99, values.max]
            .map { NumberText.fixed($0, places: places) })
      }
    }
    return table.text()
  }

  private func gpuTimeText(_ labels: PolicyLabels) -> String {
    var table = TextTable([
      ("GPU time", .left), ("steps", .right), ("attention s", .right), ("rest s", .right),
      ("regret s", .right), ("share of steps by kernel variant", .left),
    ])
    for (index, policy) in policies.enumerated() {
      let steps = policy.variants.entries.reduce(0) { $0 + $1.steps }
      let shares = policy.variants.ordered.map { entry in
        "\(entry.variant.name) \(NumberText.percent(Double(entry.steps) / Double(max(1, steps))))"
      }
      table.add([
        labels[index], NumberText.grouped(policy.counts.steps),
        NumberText.fixed(policy.attention.seconds, places: 3),
        NumberText.fixed(policy.rest.seconds, places: 3),
        NumberText.fixed(policy.regret.seconds, places: 3), shares.first ?? "",
      ])
      for share in shares.dropFirst() { table.add(["", "", "", "", "", share]) }
    }
    return table.text()
  }

  private func requestText(_ labels: PolicyLabels) -> String {
    var table = TextTable(
      [("requests", .left)] + RequestEnd.allCases.map { ($0.words, .right) }
        + [("tokens", .right), ("preemptions", .right), ("most running", .right)])
    for (index, policy) in policies.enumerated() {
      table.add(
        [labels[index]]
          + (RequestEnd.allCases.map { policy.requests($0) } + [
            policy.outputTokens, policy.counts.preemptions, policy.counts.peakRunning,
          ]).map { NumberText.grouped($0) })
    }
    return table.text()
  }

  /// Where each policy's batches leave the recorded ones.
  private func divergenceText(_ labels: PolicyLabels) -> String {
    zip(policies.indices, divergence).map { index, divergence in
      TextLines.wrapped("\(labels[index]): \(divergence.words)", width: TextLines.width)
        .joined(separator: "\n") + "\n"
    }.joined()
  }

  private func differenceText(_ labels: PolicyLabels) -> String {
    guard let first = comparisons.first else {
      return policies.count < 2
        ? ""
        : "Fewer than \(BootstrapLimits.pairsMin) requests have times: no interval can be given for a "
          + "difference.\n"
    }
    var table = TextTable([
      ("", .left), ("ms", .left), ("difference", .right), ("", .right),
      ("95 % from", .right), ("to", .right), ("", .left),
    ])
    let places = Dictionary(grouping: comparisons, by: \.metric)
      .mapValues { NumberText.places(for: $0.map(\.difference.mean)) }
    var previous = ""
    for comparison in comparisons {
      if !previous.isEmpty, previous != comparison.policy { table.addBreak() }
      let difference = comparison.difference
      let places = places[comparison.metric] ?? 3
      table.add([
        previous == comparison.policy ? "" : labels[comparison.policy],
        comparison.metric.label, NumberText.signed(difference.mean, places: places),
        NumberText.signedPercent(difference.relative),
        NumberText.signed(difference.low, places: places),
        NumberText.signed(difference.high, places: places), comparison.verdict.rawValue,
      ])
      previous = comparison.policy
    }
    return "Against \(labels[first.baseline]), paired by request\n" + table.text()
  }

  /// Places that all policies' values of a metric are printed with.
  private func places(_ metric: PolicyComparison.Metric) -> Int {
    NumberText.places(for: policies.compactMap { $0.distribution(metric)?.mean })
  }

  private func milliseconds(_ value: Double?, _ places: Int) -> String {
    value.map { NumberText.fixed($0, places: places) } ?? "-"
  }

  private func relative(_ value: Double?, to base: Double?) -> String {
    guard let value, let base, base > 0 else { return "-" }
    return NumberText.signedPercent(value / base - 1)
  }
}

extension PolicySummary {
  /// The distribution of a metric.
  func distribution(_ metric: PolicyComparison.Metric) -> DistributionSummary? {
    switch metric {
    case .ttft: ttft
    case .itl: itl
    case .tpot: tpot
    case .e2el: e2el
    case .requestMeanITL: requestMeanITL
    }
  }
}

extension BatchSource {
  /// What a report says of it.
  var explanation: String {
    switch self {
    case .recorded:
      "recorded: every step keeps its rows; only how long it takes changes "
        + "(--batches rescheduled lets a faster rule empty the engine sooner: for how much a rule gains)"
    case .rescheduled: "rescheduled: a model of the scheduler forms new batches from the arrivals"
    }
  }
}

extension RequestEnd {
  /// What a report calls it.
  var words: String {
    switch self {
    case .finished: "finished"
    case .tooLong: "too long"
    case .cutByWindow: "cut by window"
    }
  }
}

/// Names of policies short enough for a table; a longer one gets a letter that the heading explains.
struct PolicyLabels {
  private static let lengthMax = 24
  private let names: [String]
  private let labels: [String]

  init(_ names: [String]) {
    self.names = names
    labels = names.enumerated().map { index, name in
      name.count <= Self.lengthMax ? name : "policy \(index + 1)"
    }
  }

  subscript(index: Int) -> String { labels[index] }

  subscript(name: String) -> String {
    names.firstIndex(of: name).map { labels[$0] } ?? name
  }

  /// What the stand-ins mean.
  var explanations: [String] {
    zip(labels, names).filter { $0 != $1 }.map { "\($0) is \($1)" }
  }
}
