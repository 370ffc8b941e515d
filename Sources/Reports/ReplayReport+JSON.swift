import EngineSimulation
import KernelSelection
import Metrics
import StepTiming
public import TraceModel

extension ReplayReport {
  /// The form of result folders; its number rises when a key changes or goes, not when one is added.
  public static let schema = "reprise-replay/1"

  /// The content of `summary.json`.
  ///
  /// Times are in the unit that a key's end names; a distribution without values is `null`.
  public func json() -> JSONValue {
    let members: [JSONValue.Member] = [
      .init("schema", .string(Self.schema)),
      .init("trace", .string(trace.name)),
      .init("timing", .string(timing.source.rawValue)),
      .init("batches", .string(batches.rawValue)),
      .init("machine", .string(machine)),
      .init("engine", .string(engine)),
      .init(
        "policies",
        .object(zip(policies, attributions).map { .init($0.name, $0.json(regret: $1)) })),
      .init("comparisons", .array(comparisons.map { $0.json() })),
      .init("timing_attention", .string(timing.attention)),
      .init("timing_rest", .string(timing.rest)),
      .init("timing_held_out_errors", .array(timing.errors.map { $0.json() })),
      .init("trace_requests", .integer(Int64(trace.requests))),
      .init("trace_prompt_tokens", .integer(Int64(trace.promptTokens))),
      .init("trace_output_tokens", .integer(Int64(trace.outputTokens))),
      .init("trace_arrival_span_s", .number(trace.arrivalSpan.seconds)),
      .init("trace_selection", .string(trace.selection)),
      .init("notes", .array(notes.map { .string($0) })),
      .init("noise_floor", floor?.json() ?? .null),
      .init("jittered_replays", .integer(Int64(jitteredReplays))),
      .init("fastest_of", .array(fastestOf.map { .string($0) })),
      .init(
        "rescheduled_means_ms",
        .object(
          zip(policies, rescheduled).map { policy, times in
            .init(
              policy.name,
              .object(
                [PolicyComparison.Metric.ttft, .itl, .tpot, .e2el].map { metric in
                  .init(
                    metric.label.lowercased(),
                    times.value(Statistic(metric, .mean)).map { .number($0) } ?? .null)
                }))
          })),
      .init(
        "divergence",
        .object(zip(policies, divergence).map { .init($0.0.name, $0.1.json()) })),
    ]
    return .object(members + timing.estimateMembers)
  }
}

extension PolicySummary {
  /// One member of `policies`.
  func json(regret attribution: RegretAttribution?) -> JSONValue {
    var members: [JSONValue.Member] = PolicyComparison.Metric.allCases.map { metric in
      .init(metric.rawValue, distribution(metric)?.json() ?? .null)
    }
    members += [
      .init("duration_s", .number(duration.seconds)),
      .init("requests", .integer(Int64(requests))),
      .init("output_tokens", .integer(Int64(outputTokens))),
      .init("steps", .integer(Int64(counts.steps))),
      .init("attention_ms", .number(attention.milliseconds)),
      .init("rest_ms", .number(rest.milliseconds)),
      .init("regret_ms", .number(regret.milliseconds)),
      .init(
        "request_ends",
        .object(ends.map { .init($0.end.rawValue, .integer(Int64($0.requests))) })),
      .init(
        "steps_by_variant",
        .object(variants.ordered.map { .init($0.variant.name, .integer(Int64($0.steps))) })),
      .init("decode_steps", .integer(Int64(counts.decodeSteps))),
      .init("prefix_hit_tokens", .integer(Int64(counts.prefixHitTokens))),
      .init("preemptions", .integer(Int64(counts.preemptions))),
      .init("peak_running", .integer(Int64(counts.peakRunning))),
      .init("peak_waiting", .integer(Int64(counts.peakWaiting))),
      .init("overloaded", load.map { .bool($0.isOverloaded) } ?? .null),
      .init("regret", attribution?.json() ?? .null),
    ]
    return .object(members)
  }
}

extension DistributionSummary {
  /// `mean`, `std`, `p50`, `p90`, `p95`, `p99` and `max`, with their count.
  func json() -> JSONValue {
    .object([
      .init("mean", .number(mean)), .init("std", .number(std)), .init("p50", .number(p50)),
      .init("p90", .number(p90)), .init("p95", .number(p95)), .init("p99", .number(p99)),
      .init("max", .number(max)), .init("count", .integer(Int64(count))),
    ])
  }
}

extension PolicyComparison {
  /// One element of `comparisons`; differences are the policy's value minus the baseline's.
  func json() -> JSONValue {
    .object([
      .init("policy", .string(policy)), .init("baseline", .string(baseline)),
      .init("metric", .string(metric.rawValue)), .init("mean", .number(difference.mean)),
      .init("relative", .number(difference.relative)), .init("low", .number(difference.low)),
      .init("high", .number(difference.high)),
      .init("relative_low", .number(difference.relativeLow)),
      .init("relative_high", .number(difference.relativeHigh)),
      .init("pairs", .integer(Int64(difference.pairs))),
      .init("verdict", .string(verdict.rawValue)),
      .init("noise_floor", floor.map { .number($0) } ?? .null),
    ])
  }
}

extension TimingDescription.HeldOutError {
  /// The part with its absolute relative errors.
  func json() -> JSONValue {
    .object([
      .init("part", .string(part)), .init("median", .number(error.median)),
      .init("p90", .number(error.p90)), .init("max", .number(error.max)),
      .init("rows", .integer(Int64(error.rows))),
    ])
  }
}
