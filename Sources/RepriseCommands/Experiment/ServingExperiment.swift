import Reports
import TraceImport
import TraceModel

/// TTFT and ITL against the request rate: the serving figures of vLLM's PR #19152, by its own script.
struct ServingExperiment: Experiment {
  let name = "vllm-19152-serving"
  let title =
    "vLLM PR #19152, mean TTFT and ITL against the request rate (Mistral-Small-24B, random prompts "
    + "of 1,000 tokens, 100 out, 120 s, seed = rate, no prefix caching)"
  let kind = ExperimentReport.Kind.serving
  let xLabel = "requests/s"
  let yLabel = "mean TTFT and mean ITL in ms"
  let engine: String? = "mistral-small-24b@nvidia-h200"
  let policies = ["always-2d", "vllm-0.9.2", "vllm-0.33", "flash-attention-3"]
  let notes = [
    "always-2d is the Triton kernel before the pull request, vllm-0.9.2 its rule, vllm-0.33 today's; "
      + "all on today's engine (CUDA graphs for decode, asynchronous scheduling)",
    "the real runs had other arrivals, for 30 s, and at 9 requests/s for 60 s on other machines of the "
      + "kind; their vllm-default is vllm-0.13's rule, which decides decode batches as vllm-0.33's does",
  ]

  private static let rates = [1, 5, 7, 9]
  private static let seconds = 120

  var points: [ExperimentPoint] {
    Self.rates.map { rate in
      ExperimentPoint(x: Double(rate), label: "\(rate)", folder: "rate-\(rate)") {
        try RandomWorkload(
          promptTokens: 1000, outputTokens: 100, rate: Double(rate),
          size: .duration(Nanoseconds(Int64(Self.seconds) * 1_000_000_000)), seed: UInt32(rate),
          style: .vllm2025June, vocabularySize: 131_072, specialTokens: 1
        ).workload()
      }
    }
  }

  func recordedFigures(in folder: String) throws -> [ExperimentReport.Figure] {
    var figures: [ExperimentReport.Figure] = []
    for rate in Self.rates {
      for (recorded, policies) in [
        ("always-2d", ["always-2d"]), ("vllm-default", ["vllm-0.13", "vllm-0.33"]),
        ("flash-attention-3", ["flash-attention-3"]),
      ] {
        // At 9 requests a second FlashAttention 3 was recorded on another machine than the rest.
        let files = ["\(rate)", "\(rate)-m9"]
          .map { "mistral-small-24b-random-qps\($0).\(recorded).reprise" }
        guard let file = files.first(where: { FileSystem.exists("\(folder)/\($0)") }) else {
          continue
        }
        let run = try RecordedRun(path: "\(folder)/\(file)")
        for case (let metric, let value?) in [("ttft_ms", run.meanTTFT), ("itl_ms", run.meanITL)] {
          figures.append(
            .init(
              origin: .recorded, series: "\(run.header.engineWords), \(recorded)",
              policies: policies, x: Double(rate), y: value, unit: "ms", metric: metric,
              hardware: run.header.gpu ?? "unknown GPU", source: "recording \(file)"))
        }
      }
    }
    return figures
  }
}
