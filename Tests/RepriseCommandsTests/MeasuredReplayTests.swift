import CUDADriver
import CUDADriverFake
import EngineSimulation
import GPUMeasurement
import KernelImages
import KernelManifestSample
import KernelSelection
import StepTiming
import TestSupport
import Testing
import TraceFile
import TraceModel

@Suite("Replays from measured kernels")
struct MeasuredReplayTests {
  let folder: TemporaryDirectory
  let trace: String
  let store: String

  init() async throws {
    folder = try TemporaryDirectory()
    let log = try folder.write(StepLogSample().text.utf8, to: "run.jsonl")
    trace = folder.file("run.reprise")
    store = folder.file("store.sqlite")
    _ = await CommandCall("record", log, "--output", trace)
  }

  /// Measures every step of the trace on a driver without a GPU, under the GPU's name in the trace.
  private func measure(under policy: String = "fastest") throws {
    let fake = FakeCUDADriver()
    fake.deviceName = "NVIDIA H200"
    fake.spacing = 1 << 36
    fake.memoryBytes = 1 << 32
    fake.l2Bytes = 1 << 20
    let reader = try TraceReader(path: trace)
    let engine = try EngineModel(header: reader.header)
    let timing = try MeasuredAttentionTiming(
      measurements: store,
      bench: AttentionBench(
        driver: CUDADriver(functions: fake.functions()),
        manifest: { _ throws(KernelImageError) in try SmallManifest.manifest() },
        cubin: { _ in [1] }, nvml: nil, cuBLAS: nil, warmUp: .zero,
        hostTime: { .zero }),
      gpu: "NVIDIA H200", context: engine.attentionContext)
    var timer = try PolicyStepTimer(
      policy: SelectionPolicies.named(policy), attention: timing,
      context: engine.attentionContext, layers: 40, rest: RestOfStep(graphs: [], pieces: []),
      candidates: [])
    var steps = try reader.steps()
    var step = TraceStep()
    while try steps.next(into: &step) {
      var batch = AttentionBatch()
      for row in step.rows {
        batch.append(queryLength: row.queryLength.rawValue, kvLength: row.kvLength.rawValue)
      }
      _ = try timer.time(of: &batch)
    }
    #expect(timing.activity.measured > 0)
  }

  @Test("a store gives the same report byte for byte, and says that kernels were executed")
  func sameReport() async throws {
    try measure()
    let call = [
      "replay", trace, "--policy", "always-2d,always-3d,fastest", "--timing", "gpu",
      "--measurements", store, "--kernels", folder.file("none"), "--format", "json",
    ]
    let first = await CommandCall(call)
    guard first.exitCode == 0 else {
      // On a machine with a GPU the missing kernels are the error, as they should be.
      #expect(first.errors.contains("reprise kernels build"), "\(first.errors)")
      return
    }
    let second = await CommandCall(call)
    #expect(first.output == second.output)
    let json = try JSONValue(parsing: first.output)
    #expect(json["timing"] == .string("gpu"))
    // Every fake kernel takes 25 µs: 2D is one, split-KV two, so never splitting is fastest.
    #expect(json["policies"]?["always-2d"]?["regret_ms"]?.double == 0)
    let regret = try #require(json["policies"]?["always-3d"]?["regret_ms"]?.double)
    #expect(regret > 0)
  }

  @Test("an export gives the same report as its store, condensed and compressed or not")
  func exported() async throws {
    try measure()
    func replay(_ measurements: String) async -> CommandCall {
      await CommandCall(
        "replay", trace, "--policy", "always-2d,fastest", "--timing", "gpu", "--measurements",
        measurements, "--kernels", folder.file("none"), "--format", "json")
    }
    let whole = await replay(store)
    // On a machine with a GPU the missing kernels are the error.
    guard whole.exitCode == 0 else { return }
    for (name, options) in [("all.jsonl", []), ("some.jsonl.zst", ["--medians"])] {
      let file = folder.file(name)
      let export = await CommandCall(
        ["measure", "--measurements", store, "--export", file] + options)
      #expect(export.exitCode == 0, "\(export.errors)")
      let other = await replay(file)
      #expect(other.exitCode == 0 && other.output == whole.output, "\(other.errors)")
    }
  }

  @Test("batches that a store lacks are estimated and noted, and refused by --exact")
  func estimated() async throws {
    let log = try folder.write(
      StepLogSample(requests: 24, outputTokens: 90).text.utf8, to: "long.jsonl")
    _ = await CommandCall("record", log, "--output", trace)
    try measure(under: "always-2d")
    let file = folder.file("all.jsonl")
    _ = await CommandCall("measure", "--measurements", store, "--export", file)
    let lines = try folder.text(of: "all.jsonl").split(separator: "\n")
    let most = lines.enumerated().filter { $0.offset % 7 != 3 }.map(\.element)
    let part = try folder.write(
      Array((most.joined(separator: "\n") + "\n").utf8), to: "part.jsonl")
    func replay(_ measurements: String, _ more: String...) async -> CommandCall {
      await CommandCall(
        [
          "replay", trace, "--policy", "always-2d", "--timing", "gpu", "--measurements",
          measurements, "--kernels", folder.file("none"), "--format", "json",
        ] + more)
    }
    let whole = await replay(file)
    // On a machine with a GPU the missing kernels are the error.
    guard whole.exitCode == 0 else { return }
    #expect(!whole.output.contains("timing_estimates"))
    let call = await replay(part)
    #expect(call.exitCode == 0, "\(call.errors)")
    let json = try JSONValue(parsing: call.output)
    let answers = try #require(json["timing_estimates"]?["answers"]?["decode"])
    #expect(try #require(answers["estimated"]?.int) > 0)
    #expect(try #require(answers["executed"]?.int) > 0)
    #expect(call.output.contains("were never executed"))
    // Every fake kernel takes the same, so estimates are right.
    let all = try JSONValue(parsing: whole.output)
    let mean = try #require(json["policies"]?["always-2d"]?["itl_ms"]?["mean"]?.double)
    let real = try #require(all["policies"]?["always-2d"]?["itl_ms"]?["mean"]?.double)
    #expect((mean / real - 1).magnitude < 0.002)
    #expect(await replay(part).output == call.output)
    let exact = await replay(part, "--exact")
    #expect(exact.exitCode == 1)
    #expect(exact.errors.contains("without --exact it is estimated"), "\(exact.errors)")
  }

  @Test("an export that is imported is exported again as the same bytes")
  func imported() async throws {
    try measure()
    let first = folder.file("first.jsonl")
    let second = folder.file("second.jsonl")
    let copy = folder.file("copy.sqlite")
    _ = await CommandCall("measure", "--measurements", store, "--export", first)
    let call = await CommandCall(
      "measure", "--measurements", copy, "--import", first, "--import", store, "--export", second)
    #expect(call.exitCode == 0, "\(call.errors)")
    #expect(try folder.bytes(of: "first.jsonl") == folder.bytes(of: "second.jsonl"))
  }

  @Test("an export that is damaged, or a store that is none, is one line")
  func damagedExport() async throws {
    let file = try folder.write("nothing".utf8, to: "damaged.jsonl.zst")
    let call = await CommandCall(
      "measure", "--measurements", folder.file("new.sqlite"), "--import", file)
    #expect(call.exitCode == 1)
    #expect(call.hasOneErrorLine && call.errors.contains("damaged.jsonl.zst"))
    let target = await CommandCall(
      "measure", "--measurements", file, "--sample-plan", "1", "--policy", "always-2d")
    #expect(target.exitCode == 2)
  }

  @Test("a self-test needs a GPU, and rows that can be read")
  func selfTest() async throws {
    let call = await CommandCall("kernels", "selftest", "--kernels", folder.file("none"))
    #expect(call.exitCode == 1)
    #expect(call.hasOneErrorLine, "\(call.errors)")
    let rows = await CommandCall(
      "measure", "--measurements", store, "--rows", "a/b", "--policy", "always-2d")
    #expect(rows.exitCode == 2)
    #expect(rows.errors.contains("'a/b'"))
  }

  @Test("calibrating takes an export of a store")
  func calibrates() async throws {
    try measure(under: "always-2d")
    let export = folder.file("all.jsonl.zst")
    _ = await CommandCall("measure", "--measurements", store, "--export", export)
    let profile = folder.file("profile.json")
    let call = await CommandCall(
      "calibrate", export, trace, "--fit-only", "--output", profile)
    guard call.exitCode == 0 else {
      // A small sample has too few batches for a fit.
      #expect(call.errors.contains("fitted"), "\(call.errors)")
      return
    }
    let made = try JSONValue(parsing: folder.text(of: "profile.json"))
    let kernels = try #require(made["kernels"]?.elements)
    #expect(kernels.contains { $0["variant"]?.string == "triton-2d" })
  }

  @Test("without driver and measurements GPU timing is one line that says what to do")
  func noGPU() async throws {
    let call = await CommandCall(
      "replay", trace, "--policy", "always-2d", "--timing", "gpu", "--kernels",
      folder.file("none"))
    #expect(call.exitCode == 1)
    #expect(call.hasOneErrorLine, "\(call.errors)")
    let isAdvice =
      call.errors.contains("--timing profile") || call.errors.contains("kernels build")
    #expect(isAdvice, "\(call.errors)")
  }

  @Test("a measurement needs a file to be kept in, and the profile uses none")
  func wrongCalls() async throws {
    let measure = await CommandCall("measure", trace, "--policy", "always-2d")
    #expect(measure.exitCode == 2)
    #expect(measure.errors.contains("--measurements"))
    let profile = await CommandCall(
      "replay", trace, "--policy", "always-2d", "--timing", "profile", "--measurements", store)
    #expect(profile.exitCode == 2)
  }

  @Test("the compiler's absence is one line that says how to get it")
  func noCompiler() async {
    let call = await CommandCall(
      "kernels", "build", "--arch", "sm_90", "--python", folder.file("python"))
    #expect(call.exitCode == 1)
    #expect(call.hasOneErrorLine)
    #expect(call.errors.contains("triton==3.6.0"))
  }
}
