import KernelSelection
import Metrics
import StepTiming
public import TraceModel

extension RegretReport {
  /// The report for scripts; `worst` batches are listed.
  public func json(worst count: Int) -> JSONValue {
    return .object([
      .init("trace", .string(trace.name)), .init("batches", .string(batches.rawValue)),
      .init("timing", .string(timing.source.rawValue)), .init("engine", .string(engine)),
      .init("notes", .array(notes.map { .string($0) })), .init("policy", .string(policy)),
      .init("against", .string(other)),
      .init("steps", .integer(Int64(attribution.all.steps))),
      .init("slower_steps", .integer(Int64(attribution.slowerSteps))),
      .init("attention_ms", .number(attribution.all.attention.milliseconds)),
      .init("regret_ms", .number(attribution.all.regret.milliseconds)),
      .init("over", attribution.overJSON),
      .init("ttft_ms", Self.json(ttft, direct: attribution.all.ttft)),
      .init("itl_ms", Self.json(itl, direct: attribution.all.itl)),
      .init("breakdowns", attribution.breakdownsJSON),
      .init("groups", .array(attribution.groups.map { $0.class.json() })),
      .init("worst", .array(worst.prefix(count).map(Self.json))),
    ])
  }

  private static func json(_ means: Means, direct: SummedParts.Part) -> JSONValue {
    .object([
      .init("policy", means.policy.map { .number($0) } ?? .null),
      .init("against", means.other.map { .number($0) } ?? .null),
      .init("difference", means.difference.map { .number($0) } ?? .null),
      .init("difference_low", means.paired.map { .number($0.low) } ?? .null),
      .init("difference_high", means.paired.map { .number($0.high) } ?? .null),
      .init("in_attention", .number(direct.sum)),
    ])
  }

  private static func json(_ batch: WorstBatch) -> JSONValue {
    .object([
      .init("step", .integer(Int64(batch.step))), .init("variant", .string(batch.variant.name)),
      .init("attention_ms", .number(batch.time.attention.milliseconds)),
      .init("other_variant", .string(batch.otherVariant.name)),
      .init("other_attention_ms", .number(batch.time.other.milliseconds)),
      .init("batch", .string(BatchSpec.requests(of: batch))),
    ])
  }
}

extension RegretAttribution {
  /// Groups that a replay's summary lists.
  private static let groupsMax = 8

  /// `regret` of a policy in a replay's summary.
  func json() -> JSONValue {
    .object([
      .init("slower_steps", .integer(Int64(slowerSteps))), .init("over", overJSON),
      .init("all", all.json()), .init("breakdowns", breakdownsJSON),
      .init("groups", .array(groups.prefix(Self.groupsMax).map { $0.class.json() })),
    ])
  }

  /// Attention above the other's, relative to it.
  var overJSON: JSONValue {
    difference.map {
      .object([
        .init("relative", .number($0.relative)), .init("low", .number($0.relativeLow)),
        .init("high", .number($0.relativeHigh)),
      ])
    } ?? .null
  }

  /// Classes by what is told apart.
  var breakdownsJSON: JSONValue {
    .object(breakdowns.map { .init($0.name, .array($0.classes.map { $0.json() })) })
  }
}

extension RegretAttribution.Class {
  /// The class with its parts in mean TTFT and ITL.
  func json() -> JSONValue {
    .object([
      .init("name", .string(name)), .init("steps", .integer(Int64(steps))),
      .init("attention_ms", .number(attention.milliseconds)),
      .init("regret_ms", .number(regret.milliseconds)),
      .init("mean_ttft_ms", .number(ttft.sum)), .init("mean_ttft_low_ms", .number(ttft.low)),
      .init("mean_ttft_high_ms", .number(ttft.high)), .init("mean_itl_ms", .number(itl.sum)),
      .init("mean_itl_low_ms", .number(itl.low)), .init("mean_itl_high_ms", .number(itl.high)),
    ])
  }
}
