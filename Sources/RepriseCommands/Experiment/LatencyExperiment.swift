import Reports
import TraceImport
import TraceModel

/// Latency against output length at batch size 1: the first figure of vLLM's PR #19152.
struct LatencyExperiment: Experiment {
  let name = "vllm-19152-latency"
  let title =
    "vLLM PR #19152, latency of one request of 500 prompt tokens against its output tokens "
    + "(Llama-3.1-8B, benchmark_latency.py with batch size 1)"
  let kind = ExperimentReport.Kind.latency
  let xLabel = "output tokens"
  let yLabel = "latency in ms"
  let engine: String? = "llama-3.1-8b@nvidia-h200"
  let policies = ["always-2d", "vllm-0.9.2", "flash-attention-3"]
  let notes = [
    "always-2d is the Triton kernel before the pull request, vllm-0.9.2 its rule; the real runs' "
      + "vllm-default chooses the same kernel at one row"
  ]

  /// The lengths that the pull request's predecessors (#16788) list.
  static let outputTokens = [10, 100, 200, 400, 800, 1600, 3200, 6400, 12_800]

  var points: [ExperimentPoint] {
    Self.outputTokens.map { tokens in
      ExperimentPoint(x: Double(tokens), label: "\(tokens)", folder: "output-\(tokens)") {
        try LatencyWorkload(promptTokens: 500, outputTokens: tokens, batchSize: 1).workload()
      }
    }
  }

  /// A run of 12,800 tokens is at the same time one of every shorter length.
  func recordedFigures(in folder: String) throws -> [ExperimentReport.Figure] {
    var figures: [ExperimentReport.Figure] = []
    for (recorded, policies) in [
      ("always-2d", ["always-2d"]), ("vllm-default", ["vllm-0.9.2", "vllm-0.13", "vllm-0.33"]),
      ("flash-attention-3", ["flash-attention-3"]),
    ] {
      let file = "llama-3.1-8b-latency-500-12800.\(recorded).reprise"
      guard FileSystem.exists("\(folder)/\(file)") else { continue }
      let run = try RecordedRun(path: "\(folder)/\(file)")
      guard run.requests.count == 1 else { continue }
      for tokens in Self.outputTokens {
        let values = [
          ("e2el_ms", run.latency(request: 0, tokens: tokens)),
          ("itl_ms", run.meanGap(request: 0, tokens: tokens)),
        ]
        for case (let metric, let value?) in values {
          figures.append(
            .init(
              origin: .recorded, series: "\(run.header.engineWords), \(recorded)",
              policies: policies, x: Double(tokens), y: value, unit: "ms", metric: metric,
              hardware: run.header.gpu ?? "unknown GPU", source: "recording \(file)"))
        }
      }
    }
    return figures
  }
}

extension TraceHeader {
  /// The engine and its version, such as `vllm 0.24.0`.
  var engineWords: String {
    [engine, engineVersion].compactMap(\.self).joined(separator: " ")
  }
}
