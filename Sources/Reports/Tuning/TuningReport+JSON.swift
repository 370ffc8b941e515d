import KernelSelection
import Metrics
import RuleTuning
import StepTiming
public import TraceModel

extension TuningReport {
  /// The report for scripts.
  public func json() -> JSONValue {
    .object([
      .init("name", .string(rule.name)), .init("form", .string(form.name)),
      .init("quantities", .array(tuner.quantities.map { .string($0.rawValue) })),
      .init("variants", .array(tuner.variants.map { .string($0.name) })),
      .init("timing", .string(timing)), .init("notes", .array(notes.map { .string($0) })),
      .init(
        "training",
        .array(
          training.map { traffic in
            .object([
              .init("trace", .string(traffic.name)), .init("batches", .string(traffic.batches)),
              .init("count", .integer(Int64(traffic.table.count))),
            ])
          })),
      .init("held_out_traces", .bool(hasHeldOutTraces)),
      .init("judged", .array(judged.map(Self.json))), .init("rule", .array(lines)),
      .init("yaml", .string(yaml)), .init("python", .string(python)),
    ])
  }

  private var lines: [JSONValue] {
    uses.enumerated().map { line, use in
      let isDefault = line == rule.rules.count
      let conditions = isDefault ? [] : rule.rules[line].conditions.map(\.phrase)
      return .object([
        .init("when", .array(conditions.map { .string($0) })),
        .init(
          "use",
          .string((isDefault ? rule.defaultVariant : rule.rules[line].variant).name)),
        .init("batches", .integer(Int64(use.batches))),
        .init("attention_ms", .number(use.attention.milliseconds)),
        .init("regret_ms", .number(use.regret.milliseconds)),
      ])
    }
  }

  private static func json(_ judged: Judged) -> JSONValue {
    .object([
      .init("trace", .string(judged.trace)), .init("part", .string(judged.part.rawValue)),
      .init("batches", .integer(Int64(judged.rules[0].batches))),
      .init("fastest_ms", .number(judged.rules[0].fastest.milliseconds)),
      .init(
        "rules",
        .array(
          judged.rules.map { rule in
            .object([
              .init("name", .string(rule.name)),
              .init("attention_ms", .number(rule.attention.milliseconds)),
              .init("regret_ms", .number(rule.regret.milliseconds)),
              .init("worst_ratio", .number(rule.worstRatio)),
              .init("over_fastest", json(rule.overFastest)),
              .init("over_reference", json(rule.overReference)),
            ])
          })),
    ])
  }

  private static func json(_ difference: PairedDifference?) -> JSONValue {
    guard let difference else { return .null }
    return .object([
      .init("relative", .number(difference.relative)),
      .init("low", .number(difference.relativeLow)),
      .init("high", .number(difference.relativeHigh)),
    ])
  }
}
