import StepTiming
public import TraceModel

extension ValidationReport {
  /// Places of the quantile–quantile plot: every hundredth, the ends included.
  static let quantilePlaces = (0...100).map { Double($0) / 100 }

  /// The result as one object; times in milliseconds, errors as shares of the real value.
  public func json() -> JSONValue {
    .object(headingMembers() + resultMembers() + timing.estimateMembers)
  }

  private func headingMembers() -> [JSONValue.Member] {
    [
      .init("trace", .string(trace.name)),
      .init("client", .string(client.name)),
      .init("client_format", .string(client.format)),
      .init("policy", .string(policy)),
      .init("recorded_policy", Self.text(recordedPolicy)),
      .init("batches", .string(batches.rawValue)),
      .init("timing", .string(timing.source.rawValue)),
      .init("machine", .string(machine)),
      .init("engine", .string(engine)),
      .init("timing_attention", .string(timing.attention)),
      .init("timing_rest", .string(timing.rest)),
      .init("notes", .array(notes.map { .string($0) })),
      .init("requests", .integer(Int64(real.requests))),
      .init("failed_requests", .integer(Int64(failed))),
      .init("left_out_requests", .integer(Int64(leftOut))),
      .init("steps_trace", Self.text(realRun?.name)),
      .init("noise_floor", floor?.json() ?? .null),
      .init("jittered_replays", .integer(Int64(spread.replays))),
    ]
  }

  private func resultMembers() -> [JSONValue.Member] {
    let statistics = Statistic.all.map { statistic in
      JSONValue.Member(statistic.name, statisticJSON(statistic))
    }
    let sides = replays.map { entry in
      JSONValue.Member(
        entry.batches.rawValue,
        .object(Statistic.all.map { .init($0.name, number(predicted($0, by: entry.batches))) }))
    }
    let steps: JSONValue = realRun.map { Self.stepsJSON($0.run.steps) } ?? .null
    let sources: JSONValue = realRun.map { sourcesJSON($0.run) } ?? .null
    return [
      .init("statistics", .object(statistics)),
      .init("throughput", throughputJSON()),
      .init("replays", .object(sides)),
      .init("divergence", divergence?.json() ?? .null),
      .init("steps", steps),
      .init("sources", sources),
      .init("differences", .object(differences.map { .init($0.statistic.name, $0.json()) })),
      .init("quantiles", quantilesJSON()),
      .init("broken_bounds", .array(broken.map { .string($0) })),
    ]
  }

  private static func text(_ value: String?) -> JSONValue { value.map { .string($0) } ?? .null }

  private func number(_ value: Double?) -> JSONValue { value.map { .number($0) } ?? .null }

  private func statisticJSON(_ statistic: Statistic) -> JSONValue {
    let error = error(.statistic(statistic))
    let width = floorShare(statistic)
    return .object([
      .init("real", number(real.value(statistic))),
      .init("predicted", number(predicted(statistic))),
      .init("error", number(error)),
      .init("noise", number(width)),
      .init("arrival_jitter", number(judged.furthest(statistic))),
      .init("interval", intervalJSON(statistic)),
      .init(
        "inside_noise",
        error.flatMap { error in width.map { .bool(error.magnitude <= $0) } } ?? .null),
      .init("bound", number(bound(.statistic(statistic)))),
    ])
  }

  private func intervalJSON(_ statistic: Statistic) -> JSONValue {
    guard let interval = judged.interval(statistic, floor: floor) else { return .null }
    return .object([
      .init("low", .number(interval.low)), .init("high", .number(interval.high)),
      .init(
        "contains_real", real.value(statistic).map { .bool(interval.contains($0)) } ?? .null),
      .init("spans_an_edge", .bool(interval.spansAnEdge)),
    ])
  }

  private func throughputJSON() -> JSONValue {
    .object([
      .init("real", number(real.throughput)), .init("predicted", number(predicted.throughput)),
      .init("error", number(error(.throughput))), .init("bound", number(bound(.throughput))),
    ])
  }

  /// The share that a measure is allowed to be off by.
  func bound(_ measure: ErrorBound.Measure) -> Double? {
    bounds.first { $0.measure == measure }?.share
  }

  private static func stepsJSON(_ steps: [ComparedStep]) -> JSONValue {
    let kinds: [(String, StepErrors?)] =
      [("all", StepErrors(steps))]
      + StepKind.allCases.map { kind in
        (kind.rawValue, StepErrors(steps.lazy.filter { $0.kind == kind }))
      }
    return .object(
      kinds.map { name, errors in
        guard let errors else { return .init(name, .null) }
        return .init(
          name,
          .object([
            .init("steps", .integer(Int64(errors.steps))),
            .init("mape", .number(errors.meanAbsolute)), .init("p90", .number(errors.p90)),
            .init("bias", .number(errors.bias)),
          ]))
      })
  }

  private func sourcesJSON(_ run: RealRun) -> JSONValue {
    .object(
      Statistic.all.map { statistic in
        guard let sources = run.sources(of: statistic, predicted: predicted(statistic), real: real)
        else {
          return .init(statistic.name, .null)
        }
        return .init(
          statistic.name,
          .object(
            [.init("total", .number(sources.total))]
              + sources.terms.map { .init($0.name, number($0.milliseconds)) }))
      })
  }

  private func quantilesJSON() -> JSONValue {
    let places = Self.quantilePlaces
    func list(_ values: [Double]) -> JSONValue { .array(values.map { .number($0) }) }
    return .object(
      [.init("places", list(places))]
        + Statistic.metrics.map { metric in
          .init(
            metric.rawValue,
            .object([
              .init("real", list(real.quantiles(metric, at: places))),
              .init("predicted", list(predictedQuantiles(metric, at: places))),
            ]))
        })
  }
}

extension PredictedDifference {
  /// The difference as results carry it, in milliseconds.
  func json() -> JSONValue {
    .object([
      .init("predicted", .number(predicted)),
      .init("noise", noise.map { .number($0) } ?? .null),
      .init("low", halfWidth.map { .number(predicted - $0) } ?? .null),
      .init("high", halfWidth.map { .number(predicted + $0) } ?? .null),
      .init("real", real.map { .number($0) } ?? .null),
      .init("inside_noise", .bool(isInsideFloor)),
    ])
  }
}
