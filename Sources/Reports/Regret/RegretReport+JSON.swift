import KernelSelection
import Metrics
import StepTiming
public import TraceModel

extension RegretReport {
  /// The report for scripts; `worst` batches are listed.
  public func json(worst count: Int) -> JSONValue {
    let relative: JSONValue =
      difference.map {
        .object([
          .init("relative", .number($0.relative)), .init("low", .number($0.relativeLow)),
          .init("high", .number($0.relativeHigh)),
        ])
      } ?? .null
    return .object([
      .init("trace", .string(trace.name)), .init("batches", .string(batches.rawValue)),
      .init("timing", .string(timing.source.rawValue)), .init("engine", .string(engine)),
      .init("notes", .array(notes.map { .string($0) })), .init("policy", .string(policy)),
      .init("against", .string(other)), .init("steps", .integer(Int64(all.steps))),
      .init("slower_steps", .integer(Int64(slowerSteps))),
      .init("attention_ms", .number(all.attention.milliseconds)),
      .init("regret_ms", .number(all.regret.milliseconds)), .init("over", relative),
      .init("ttft_ms", Self.json(ttft, direct: all.ttft)),
      .init("itl_ms", Self.json(itl, direct: all.itl)),
      .init(
        "breakdowns",
        .object(
          breakdowns.map { .init($0.name, .array($0.classes.map(Self.json))) })),
      .init("groups", .array(groups.map(Self.json))),
      .init("worst", .array(worst.prefix(count).map(Self.json))),
    ])
  }

  private static func json(_ means: Means, direct: Double) -> JSONValue {
    .object([
      .init("policy", means.policy.map { .number($0) } ?? .null),
      .init("against", means.other.map { .number($0) } ?? .null),
      .init("difference", means.difference.map { .number($0) } ?? .null),
      .init("in_attention", .number(direct)),
    ])
  }

  private static func json(_ entry: Class) -> JSONValue {
    .object([
      .init("name", .string(entry.name)), .init("steps", .integer(Int64(entry.steps))),
      .init("attention_ms", .number(entry.attention.milliseconds)),
      .init("regret_ms", .number(entry.regret.milliseconds)),
      .init("mean_ttft_ms", .number(entry.ttft)), .init("mean_itl_ms", .number(entry.itl)),
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
