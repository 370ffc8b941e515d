import KernelSelection
public import TraceModel

/// Batches as vLLM's benchmarks take them.
public enum BatchSpec {
  /// Equal rows next to each other.
  struct Run: Hashable {
    var queryLength: Int32
    var kvLength: Int32
    var count: Int
  }

  /// A batch's rows, runs of equal ones together; the order stays, because blocks start in it.
  static func runs(of batch: WorstBatch) -> [Run] {
    var runs: [Run] = []
    for (query, kv) in zip(batch.queryLengths, batch.kvLengths) {
      if let last = runs.last, last.queryLength == query, last.kvLength == kv {
        runs[runs.count - 1].count += 1
      } else {
        runs.append(Run(queryLength: query, kvLength: kv, count: 1))
      }
    }
    return runs
  }

  /// `[N*]Q[@K],…`: what `vllm bench forward --case NAME=…` takes; K counts the query too.
  public static func requests(of batch: WorstBatch) -> String {
    runs(of: batch).map { run in
      (run.count > 1 ? "\(run.count)*" : "") + "\(run.queryLength)"
        + (run.kvLength == run.queryLength ? "" : "@\(run.kvLength)")
    }.joined(separator: ",")
  }

  /// `[N]qQ[sK]_…`: what `--batch-specs` of vLLM's `attention_benchmarks` takes.
  public static func kernelSpec(of batch: WorstBatch) -> String {
    runs(of: batch).map { run in
      (run.count > 1 ? "\(run.count)" : "") + "q\(run.queryLength)"
        + (run.kvLength == run.queryLength ? "" : "s\(run.kvLength)")
    }.joined(separator: "_")
  }

  /// A name of a batch among others, such as `01-decode-40-rows-longest-27722`.
  public static func name(of batch: WorstBatch, number: Int) -> String {
    let kind =
      switch BatchKind(BatchShape(batch.time.batch)) {
      case .decode: "decode"
      case .shortRows: "short-rows"
      case .mixed: "mixed"
      case .prompts: "prompts"
      }
    let padded = number < 10 ? "0\(number)" : "\(number)"
    return "\(padded)-\(kind)-\(batch.time.batch.rows)-rows-longest-\(batch.time.batch.maxKVLength)"
  }

  /// The cases of `vllm bench forward --shapes`.
  public static func forwardCases(of batches: [WorstBatch]) -> JSONValue {
    let cases = batches.enumerated().map { index, batch in
      JSONValue.object([
        .init("name", .string(name(of: batch, number: index + 1))),
        .init(
          "requests",
          .array(
            runs(of: batch).map { run in
              .object([
                .init("query_len", .integer(Int64(run.queryLength))),
                .init("kv_len", .integer(Int64(run.kvLength))),
                .init("count", .integer(Int64(run.count))),
              ])
            })),
      ])
    }
    return .object([.init("cases", .array(cases))])
  }
}
