import KernelSelection
import MeasurementStore
import TestSupport
import Testing
import TraceModel

@Suite("Experiments of pull requests are replayed")
struct ExperimentCommandTests {
  private static func run(_ name: String, _ folder: TemporaryDirectory) async throws -> CommandCall
  {
    let call = await CommandCall(
      "experiment", name, "--output", folder.path, "--timing", "profile", "--recordings",
      RepositoryFile.path("traces/h200"))
    #expect(call.exitCode == 0, "\(call.errors)")
    return call
  }

  @Test(
    "with their figures in print",
    arguments: ["vllm-19152-latency", "vllm-19152-serving", "vllm-19774-mla"])
  func text(name: String) async throws {
    let call = try await Self.run(name, TemporaryDirectory())
    #expect(try Golden.difference(call.output, from: "experiment-\(name).txt") == nil)
  }

  @Test("near what a real engine did, for every output length and policy")
  func latency() async throws {
    let folder = try TemporaryDirectory()
    _ = try await Self.run("vllm-19152-latency", folder)
    let report = try JSONValue(parsing: try folder.bytes(of: "experiment.json"))
    #expect(report["kind"]?.string == "latency")
    let points = try #require(report["points"]?.elements)
    let figures = try #require(report["published"]?.elements)
    var compared = 0
    for point in points {
      let x = try #require(point["x"]?["output_tokens"]?.double)
      let path = try #require(point["folder"]?.string) + "/summary.json"
      let summary = try JSONValue(parsing: try folder.bytes(of: path))
      let policies = try #require(summary["policies"])
      for figure in figures where figure["x"]?.double == x && figure["metric"]?.string == "itl_ms" {
        #expect(figure["hardware"]?.string == "NVIDIA H200")
        for name in (figure["policies"]?.elements ?? []).compactMap(\.string) {
          guard let own = policies[name]?["itl_ms"]?["mean"]?.double else { continue }
          let real = try #require(figure["y"]?.double)
          #expect(abs(own / real - 1) < 0.05, "\(name) at \(x): \(own) and \(real)")
          compared += 1
        }
      }
    }
    #expect(points.count == 9)
    #expect(compared == 27)
  }

  @Test("where the kernel of PR #19774 keeps its speed with context, as it did on other hardware")
  func latent() async throws {
    let folder = try TemporaryDirectory()
    _ = try await Self.run("vllm-19774-mla", folder)
    let report = try JSONValue(parsing: try folder.bytes(of: "experiment.json"))
    let points = try #require(report["points"]?.elements)
    #expect(points.compactMap { $0["x"]?["context_tokens"]?.int } == [0, 12_500, 25_000, 50_000])
    var gains: [Double] = []
    for point in points {
      let path = try #require(point["folder"]?.string) + "/summary.json"
      let policies = try JSONValue(parsing: try folder.bytes(of: path))["policies"]
      let before = try #require(policies?["vllm-mla-4-splits"]?["itl_ms"]?["mean"]?.double)
      let after = try #require(policies?["vllm-19774"]?["itl_ms"]?["mean"]?.double)
      gains.append(before / after)
    }
    #expect(gains.sorted() == gains)
    // The pull request's own row without context gave the rest of the step.
    let figures = try #require(report["published"]?.elements)
    let published = try #require(figures.first { $0["x"]?.int == 0 }?["y"]?.double)
    let summary = try JSONValue(parsing: try folder.bytes(of: "context-0/summary.json"))
    let own = try #require(
      summary["policies"]?["vllm-mla-4-splits"]?["itl_ms"]?["mean"]?.double)
    #expect(abs(1e3 / own - published) < 0.01)
    #expect(try #require(gains.last) > 3)
  }

  @Test("into folders that a replay's readers take, byte for byte the same each time")
  func folders() async throws {
    let first = try TemporaryDirectory()
    let second = try TemporaryDirectory()
    _ = try await Self.run("vllm-19774-mla", first)
    _ = try await Self.run("vllm-19774-mla", second)
    let points = ["context-0", "context-12500", "context-25000", "context-50000"]
    #expect(try first.contents() == points + ["experiment.json"])
    for name in ["experiment.json", "context-0/summary.json", "context-0/trace.reprise"] {
      #expect(try first.bytes(of: name) == second.bytes(of: name), "\(name)")
    }
  }

  @Test("from executed kernels, where a policy without any is left out and said")
  func executedKernels() async throws {
    let folder = try TemporaryDirectory()
    let store = folder.file("store.sqlite")
    try Self.writeStore(store)
    let call = [
      "experiment", "vllm-19152-latency", "--output", folder.file("out"), "--timing", "gpu",
      "--measurements", store, "--kernels", folder.file("none"), "--recordings", "/nowhere",
    ]
    let run = await CommandCall(call)
    guard run.exitCode == 0 else {
      // On a machine with a GPU the missing kernels are the error, as they should be.
      #expect(run.errors.contains("reprise kernels build"), "\(run.errors)")
      return
    }
    #expect(run.output.contains("flash-attention-3 is left out: none of its kernels was executed"))
    let summary = try JSONValue(parsing: try folder.bytes(of: "out/output-12800/summary.json"))
    #expect(summary["timing"] == .string("gpu"))
    #expect(summary["policies"]?["vllm-0.9.2"] != nil)
    #expect(summary["policies"]?["flash-attention-3"] == nil)
    #expect(run.errors.split(separator: "\n").filter { $0.contains("times come from") }.count == 1)
    let named = await CommandCall(call + ["--policy", "always-2d,flash-attention-3"])
    #expect(named.exitCode != 0)
    #expect(named.errors.contains("flash-attention-3"))
  }

  @Test("from executed kernels and estimates, with how many of all points' times are which")
  func estimates() async throws {
    let folder = try TemporaryDirectory()
    let store = folder.file("store.sqlite")
    try Self.writeStore(store, through: 9_024)
    let run = await CommandCall(
      "experiment", "vllm-19152-latency", "--output", folder.file("out"), "--measurements", store,
      "--kernels", folder.file("none"), "--recordings", "/nowhere")
    #expect(run.exitCode == 0, "\(run.errors)")
    let notes = run.output.split(separator: "\n").filter {
      $0.contains(" times are of batches that")
    }
    #expect(notes.count == 1 && notes[0].hasPrefix("note"), "\(run.output)")
  }

  @Test(
    "and refuse measurements without the kernel that the rest of a step follows from, in one line")
  func otherKernels() async throws {
    let folder = try TemporaryDirectory()
    let store = folder.file("store.sqlite")
    try Self.writeStore(store)
    let run = await CommandCall(
      "experiment", "vllm-19774-mla", "--output", folder.file("out"), "--measurements", store,
      "--kernels", folder.file("none"))
    #expect(run.exitCode == 1)
    let last = run.errors.split(separator: "\n").last ?? ""
    #expect(last.contains("no times of 'triton-mla-2025-4'"))
    #expect(last.contains("leave --measurements out"))
  }

  /// Every batch of one request of 500 tokens that grows; a microsecond for 100 tokens.
  private static func writeStore(_ path: String, through last: Int32 = 13_376) throws {
    let store = try MeasurementStore(path: path)
    let context = AttentionContext(
      queryHeads: 32, kvHeads: 8, headSize: 128, kvBlockSize: 16, smCount: 132,
      graphs: CUDAGraphs(mode: .none, captureSizes: []))
    let lengths = stride(from: Int32(448), through: last, by: 64)
    let decodes = lengths.map { AttentionBatch(rows: [(1, $0)], paddedRows: 1) }
    for batch in decodes + [AttentionBatch(rows: [(500, 500)])] {
      for variant in ["triton-2d", "triton-3d-16"] {
        try store.append(
          SampleSet(
            samples: Array(
              repeating: Nanoseconds(10) * batch.summary.maxKVLength, count: 6),
            smMegahertz: nil, memoryMegahertz: nil, throttleReasons: nil,
            date: "2026-11-23T10:00:00Z"),
          to: MeasurementKey(
            machine: MeasuredMachine(gpu: "NVIDIA H200", smCount: 132, driver: "580"),
            kernelImage: "image", variant: variant,
            batch: BatchKey(batch, in: context, elementType: "bf16"), state: MeasuredState()),
          status: .complete)
      }
    }
  }

  @Test("and say so where no real run lies beside them")
  func withoutRecordings() async throws {
    let folder = try TemporaryDirectory()
    let call = await CommandCall(
      "experiment", "vllm-19152-latency", "--output", folder.path, "--timing", "profile",
      "--recordings", "/nowhere")
    #expect(call.exitCode == 0, "\(call.errors)")
    #expect(call.output.contains("no recorded run in '/nowhere'"))
    #expect(!call.output.contains("real run  "))
  }

  @Test("by a name that there is")
  func unknown() async throws {
    let call = await CommandCall("experiment", "vllm-19152-latencies", "--output", "/tmp/none")
    #expect(call.exitCode == 2)
    #expect(call.hasOneErrorLine)
    #expect(call.errors.contains("did you mean 'vllm-19152-latency'?"))
  }
}

@Suite("Rates, policies and traces are swept")
struct SweepCommandTests {
  private static let trace = RepositoryFile.path(
    "traces/h200/mistral-small-24b-random-qps5.vllm-default.reprise")

  @Test("for random requests, a folder a rate")
  func random() async throws {
    let folder = try TemporaryDirectory()
    let call = await CommandCall(
      "sweep", "--rates", "2,6.5", "--duration", "10", "--policy", "always-2d,vllm-0.33",
      "--output", folder.path, "--timing", "profile")
    #expect(call.exitCode == 0, "\(call.errors)")
    #expect(try folder.contents() == ["experiment.json", "rate-2", "rate-6.5"])
    let report = try JSONValue(parsing: try folder.bytes(of: "experiment.json"))
    #expect(report["kind"]?.string == "sweep")
    #expect(report["points"]?.elements?.compactMap { $0["x"]?["rate"]?.double } == [2, 6.5])
    let alone = await CommandCall(
      "replay", folder.file("rate-2/trace.reprise"), "--policy", "always-2d,vllm-0.33", "--timing",
      "profile", "--output", folder.file("alone"))
    #expect(alone.exitCode == 0, "\(alone.errors)")
    let summaries = try ["alone", "rate-2"].map {
      try JSONValue(parsing: try folder.bytes(of: "\($0)/summary.json"))["policies"]
    }
    #expect(summaries[0] != nil && summaries[0] == summaries[1])
  }

  @Test("for a trace pressed to each rate, and a trace as it is")
  func traces() async throws {
    let folder = try TemporaryDirectory()
    let call = await CommandCall(
      "sweep", Self.trace, "--rates", "2,8", "--policy", "always-2d", "--output", folder.path,
      "--timing", "profile", "--format", "json")
    #expect(call.exitCode == 0, "\(call.errors)")
    let report = try JSONValue(parsing: Array(call.output.utf8))
    let points = try #require(report["points"]?.elements)
    let means = try points.map { point in
      let path = try #require(point["folder"]?.string) + "/summary.json"
      return try JSONValue(parsing: try folder.bytes(of: path))["policies"]?["always-2d"]?[
        "itl_ms"]?[
          "mean"]?.double ?? 0
    }
    #expect(means.count == 2 && means[0] < means[1])
    let slow = try #require(points.first?["folder"]?.string) + "/summary.json"
    let words = try JSONValue(parsing: try folder.bytes(of: slow))["trace_selection"]?.string
    #expect(words == "arrivals 0.4228 times as fast")
    let asItIs = await CommandCall(
      "sweep", Self.trace, "--policy", "always-2d", "--output", folder.path, "--timing", "profile",
      "--format", "json")
    let point = try JSONValue(parsing: Array(asItIs.output.utf8))["points"]?.elements?.first
    #expect(point?["trace"]?.string == "mistral-small-24b-random-qps5.vllm-default")
  }

  @Test("with what each replay notes, in print, in experiment.json and beside each point")
  func notes() async throws {
    let folder = try TemporaryDirectory()
    let engine = try folder.write(
      Array("base: mistral-small-24b@nvidia-h200\nname: small\nkv_cache_tokens: 12000\n".utf8),
      to: "small.yaml")
    let rule = try folder.write(
      Array(
        """
        name: by-length
        rules:
          - when: {any_prefill: false, max_kv_length: {above: 2000}}
            use: triton-3d-16
        default: triton-2d
        """.utf8), to: "by-length.yaml")
    let trace = RepositoryFile.path(
      "traces/h200/mistral-small-24b-mooncake-26.vllm-default.reprise")
    let call = await CommandCall(
      "sweep", trace, "--rates", "1", "--rule", rule, "--engine", engine, "--output",
      folder.file("out"), "--timing", "profile")
    #expect(call.exitCode == 0, "\(call.errors)")
    let text = call.output.replacing("\n          ", with: " ")
    #expect(text.contains("8 of 26 requests are too long for the engine and left out"))
    #expect(text.contains("'by-length' looks at KV lengths"))
    func noted(_ path: String) throws -> String {
      try JSONValue(parsing: try folder.bytes(of: path))["notes"]?.text() ?? ""
    }
    let all = try noted("out/experiment.json")
    #expect(all.contains("8 of 26 requests") && all.contains("looks at KV lengths"))
    let point = "out/mistral-small-24b-mooncake-26.vllm-default-rate-1/summary.json"
    #expect(try noted(point).contains("looks at KV lengths"))
    let regret = await CommandCall("regret", trace, "--rule", rule, "--timing", "profile")
    #expect(regret.output.contains("'by-length' looks at KV lengths"))
    let random = await CommandCall(
      "sweep", "--rates", "2,3", "--duration", "5", "--policy", "always-2d", "--output",
      folder.file("random"), "--timing", "profile")
    #expect(random.output.ranges(of: "the trace names no engine").count == 1)
    #expect(try noted("random/experiment.json").contains("the trace names no engine"))
  }

  @Test("rates that differ, however little, have folders and labels of their own")
  func nearRates() async throws {
    let folder = try TemporaryDirectory()
    let call = await CommandCall(
      "sweep", "--rates", "2.0001,2.0002,2", "--duration", "5", "--policy", "always-2d",
      "--output", folder.path, "--timing", "profile", "--format", "json")
    #expect(call.exitCode == 0, "\(call.errors)")
    #expect(
      try folder.contents() == ["experiment.json", "rate-2", "rate-2.0001", "rate-2.0002"])
    let points = try JSONValue(parsing: Array(call.output.utf8))["points"]?.elements
    #expect(points?.compactMap { $0["label"]?.string } == ["2.0001", "2.0002", "2"])
  }

  @Test(
    "or refused in one line",
    arguments: [
      ([], 2), (["--rates", "0"], 2), (["--rates", "5,5"], 2), (["--rates", "five"], 2),
      ([Self.trace, Self.trace], 2), (["--rates", "5", "--duration", "-1"], 2),
      (["--rates", "1e9"], 2), ([Self.trace, "--prompt", "20"], 2),
      ([Self.trace, "--rates", "5", "--duration", "3"], 2), (["/nowhere.reprise"], 1),
      ([RepositoryFile.path("traces/h200/llama-3.1-8b-latency-500-12800.always-2d.reprise")], 1),
    ])
  func refused(options: [String], code: Int) async throws {
    let folder = try TemporaryDirectory()
    let call = await CommandCall(
      ["sweep", "--policy", "always-2d", "--output", folder.path] + options)
    #expect(call.exitCode == Int32(code), "\(call.errors)")
    #expect(call.hasOneErrorLine, "\(call.errors)")
  }
}
