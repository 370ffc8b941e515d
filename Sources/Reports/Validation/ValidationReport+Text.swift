import StepTiming
import TraceModel

extension ValidationReport {
  /// The report for reading: the errors first, then where they come from.
  public func text() -> String {
    [
      headingText(), errorText(), stepText(), sourceText(), replayText(), differenceText(),
    ].filter { !$0.isEmpty }.joined(separator: "\n")
  }

  private func headingText() -> String {
    let recorded = recordedPolicy.map { " (the trace was recorded under \($0))" } ?? ""
    var requests = "\(NumberText.grouped(real.requests)) of \(NumberText.grouped(trace.requests))"
    requests += failed > 0 ? ", \(NumberText.grouped(failed)) failed at the client" : ""
    requests += leftOut > 0 ? ", \(NumberText.grouped(leftOut)) of the log left out" : ""
    var facts = [
      ("trace", trace.name), ("client", "\(client.name) (\(client.format))"),
      ("requests", requests), ("policy", policy + recorded), ("engine", engine),
      ("machine", machine), ("batches", batches.explanation),
      ("timing", "\(timing.source.rawValue): \(timing.attention)"), ("", timing.rest),
    ]
    if let floor { facts.append(("noise", floor.words)) }
    if judged.replays > 0, let floor {
      facts.append(("", floor.words(jitteredReplays: judged.replays)))
    }
    facts += notes.map { ("note", $0) }
    return facts.map { name, words in
      let lines = TextLines.wrapped(words, width: TextLines.width - 10)
      return name + String(repeating: " ", count: 10 - name.count)
        + lines.joined(separator: "\n          ") + "\n"
    }.joined()
  }

  private func errorText() -> String {
    var table = TextTable([
      ("ms", .left), ("", .left), ("real", .right), ("predicted", .right), ("error", .right),
      ("noise ±", .right), ("allowed", .right), ("", .left),
    ])
    for statistic in Statistic.all {
      if statistic.place == .mean, statistic.metric != .ttft { table.addBreak() }
      let places = NumberText.places(
        for: [real.value(statistic), predicted(statistic)].compactMap(\.self))
      let error = error(.statistic(statistic))
      let width = floorShare(statistic)
      table.add([
        statistic.place == .mean ? statistic.metric.label : "", statistic.place.rawValue,
        fixed(real.value(statistic), places), fixed(predicted(statistic), places),
        error.map { NumberText.signedPercent($0) } ?? "-",
        width.map { NumberText.percent($0) } ?? "-",
        bound(.statistic(statistic)).map { NumberText.percent($0) } ?? "",
        verdict(
          error, width: width, bound: bound(.statistic(statistic)),
          isOnEdge: judged.interval(statistic, floor: floor)?.spansAnEdge ?? false),
      ])
    }
    table.addBreak()
    let error = error(.throughput)
    table.add([
      "tokens/s", "", fixed(real.throughput, 1), fixed(predicted.throughput, 1),
      error.map { NumberText.signedPercent($0) } ?? "-", "-",
      bound(.throughput).map { NumberText.percent($0) } ?? "",
      verdict(error, width: nil, bound: bound(.throughput)),
    ])
    return table.text()
  }

  private func verdict(
    _ error: Double?, width: Double?, bound: Double?, isOnEdge: Bool = false
  ) -> String {
    guard let error else { return bound == nil ? "" : "TOO FAR" }
    if let bound, error.magnitude > bound { return "TOO FAR" }
    guard let width, error.magnitude <= width else { return "" }
    return isOnEdge ? "inside the noise, on an edge" : "inside the noise"
  }

  private func stepText() -> String {
    guard let realRun else { return "" }
    var table = TextTable([
      ("GPU time of steps", .left), ("steps", .right), ("mean error", .right), ("p90", .right),
      ("bias", .right),
    ])
    let kinds =
      StepKind.allCases.map { kind in
        (kind.rawValue, StepErrors(realRun.run.steps.lazy.filter { $0.kind == kind }))
      } + [("all", StepErrors(realRun.run.steps))]
    for (name, errors) in kinds {
      guard let errors else { continue }
      table.add([
        name, NumberText.grouped(errors.steps), NumberText.percent(errors.meanAbsolute),
        NumberText.percent(errors.p90), NumberText.signedPercent(errors.bias),
      ])
    }
    guard realRun.run.hasGPUTimes else { return "" }
    return table.text() + "of the real run's own batches, \(realRun.name)\n"
  }

  private func sourceText() -> String {
    guard let realRun else { return "" }
    var table = TextTable(
      [("error in ms", .left), ("", .left), ("total", .right)]
        + [
          "scheduling", "attention", "rest", "variation", "host", "client",
        ].map { ($0, .right) })
    for statistic in Statistic.all where statistic.place != .p90 {
      if statistic.place == .mean, statistic.metric != .ttft { table.addBreak() }
      guard
        let sources = realRun.run.sources(
          of: statistic, predicted: predicted(statistic), real: real)
      else { continue }
      table.add(
        [
          statistic.place == .mean ? statistic.metric.label : "", statistic.place.rawValue,
          NumberText.signed(sources.total, places: 3),
        ]
          + sources.terms.map { term in
            term.milliseconds.map { NumberText.signed($0, places: 3) } ?? "-"
          })
    }
    return table.text()
  }

  /// The two replays side by side, and where their batches part.
  private func replayText() -> String {
    guard replays.count > 1, let divergence else { return "" }
    var table = TextTable(
      [("error by batches", .left)]
        + Statistic.all.filter { [.ttft, .itl].contains($0.metric) }.map { ($0.name, .right) })
    for (batches, _) in replays {
      table.add(
        [batches.rawValue]
          + Statistic.all.filter { [.ttft, .itl].contains($0.metric) }.map { statistic in
            guard let value = predicted(statistic, by: batches), let real = real.value(statistic),
              real > 0
            else { return "-" }
            return NumberText.signedPercent(value / real - 1)
          })
    }
    return table.text()
      + TextLines.wrapped(divergence.words, width: TextLines.width).joined(separator: "\n") + "\n"
  }

  private func differenceText() -> String {
    guard let recordedPolicy, !differences.isEmpty else { return "" }
    var table = TextTable([
      ("\(policy) against \(recordedPolicy), ms", .left), ("predicted", .right), ("from", .right),
      ("to", .right), ("real", .right), ("", .left),
    ])
    for difference in differences {
      let places = 3
      table.add([
        difference.statistic.name, NumberText.signed(difference.predicted, places: places),
        difference.halfWidth.map {
          NumberText.signed(difference.predicted - $0, places: places)
        } ?? "-",
        difference.halfWidth.map {
          NumberText.signed(difference.predicted + $0, places: places)
        } ?? "-",
        difference.real.map { NumberText.signed($0, places: places) } ?? "-",
        difference.isInsideFloor ? "inside the noise" : "",
      ])
    }
    return table.text()
  }

  private func fixed(_ value: Double?, _ places: Int) -> String {
    value.map { NumberText.fixed($0, places: places) } ?? "-"
  }
}
