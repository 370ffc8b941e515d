import KernelSelection
import MeasurementStore
import TestSupport
import Testing
import TraceModel

@Suite("Replays with kernels of installed packages")
struct ProviderReplayTests {
  let folder: TemporaryDirectory
  let trace: String
  let store: String
  let provider: String

  init() async throws {
    folder = try TemporaryDirectory()
    let log = try folder.write(StepLogSample().text.utf8, to: "run.jsonl")
    trace = folder.file("run.reprise")
    store = folder.file("store.sqlite")
    provider =
      "python3 '\(RepositoryFile.path("Tests/KernelProvidersTests/modelled_provider.py"))'"
    _ = await CommandCall("record", log, "--output", trace)
  }

  @Test("rounds go on until every batch of the trace is measured, and the report names the package")
  func recorded() async throws {
    let call = await CommandCall(
      "replay", trace, "--policy", "always-2d@modelled-1.0,always-2d", "--measurements", store,
      "--provider", provider, "--format", "json")
    #expect(call.exitCode == 0)
    #expect(call.errors.contains("round 2: 0 batches not measured yet"))
    if call.errors.contains("no GPU") {
      #expect(call.errors.contains("all others from the profile"), "\(call.errors)")
      #expect(!call.errors.contains("alone"), "\(call.errors)")
    }
    #expect(call.output.contains("modelled-1.0 as measured on NVIDIA H200, driver 580.159.04"))
    #expect(call.output.contains(#""modelled-1.0/triton-2d""#))
    // What the provider wrote is a whole store to this program too.
    let kept = try MeasurementStore(path: store, mode: .readOnly)
    try kept.verify()
    var variants: Set<String> = []
    try kept.forEach { (measurement) throws(MeasurementStoreError) in
      #expect(measurement.status == .complete)
      #expect(measurement.samples.count == 6)
      variants.insert(measurement.key.variant)
    }
    #expect(variants == ["modelled-1.0/triton-2d"])
  }

  @Test("rescheduled batches are measured as they arise, and a further call needs no round")
  func rescheduled() async throws {
    let arguments = [
      "replay", trace, "--batches", "rescheduled", "--policy", "vllm-0.33@modelled-1.0",
      "--measurements", store, "--format", "json",
    ]
    let first = await CommandCall(arguments + ["--provider", provider])
    #expect(first.exitCode == 0)
    let again = await CommandCall(arguments)
    #expect(again.errors.contains("round 1: 0 batches not measured yet"))
    #expect(first.output == again.output)
    let export = folder.file("export.jsonl.zst")
    _ = await CommandCall("measure", "--measurements", store, "--export", export)
    let exported = await CommandCall(
      arguments.map { $0 == store ? export : $0 })
    #expect(exported.output == again.output)
  }

  @Test("a kernel that the profile has no prompts for is measured on them all the same")
  func promptsBeyondTheProfile() async throws {
    let call = await CommandCall(
      "replay", trace, "--policy", "flashinfer@modelled-1.0", "--measurements", store,
      "--provider", provider, "--format", "json")
    #expect(call.exitCode == 0)
    #expect(call.errors.contains("round 2: 0 batches not measured yet"))
    let plan = await CommandCall(
      "measure", trace, "--policy", "flashinfer@modelled-1.0", "--plan", folder.file("p.jsonl"))
    #expect(plan.exitCode == 0)
  }

  @Test("a plan without a GPU lists what is asked about, each batch once")
  func plan() async throws {
    let path = folder.file("plan.jsonl")
    let call = await CommandCall(
      "measure", trace, "--policy", "vllm-0.33@vllm-0.24.0", "--plan", path)
    #expect(call.exitCode == 0)
    let lines = try folder.text(of: "plan.jsonl").split(separator: "\n")
    #expect(lines.first == #"{"format":"reprise-plan/1","cache":"cold"}"#)
    #expect(lines.count > 1 && Set(lines).count == lines.count)
    for line in lines.dropFirst() {
      let value = try JSONValue(parsing: Array(line.utf8))
      let text = try #require(value["batch"]?.string)
      #expect(BatchKey(text: text).described != nil)
    }
  }

  @Test("decode rows of MLA are measured without prompts, under the splits that the rule chooses")
  func latent() async throws {
    let latent = folder.file("latent.reprise")
    let log = StepLogSample().text.split(separator: "\n").map { line in
      line.contains("num_kv_heads")
        ? line.replacing("\"num_kv_heads\":8", with: "\"num_kv_heads\":1").replacing(
          "\"head_size\":128", with: "\"head_size\":576") : line[...]
    }
    let path = try folder.write(log.joined(separator: "\n").utf8, to: "latent.jsonl")
    let recorded = await CommandCall("record", path, "--output", latent)
    #expect(recorded.exitCode == 0, "\(recorded.errors)")
    let policy = "vllm-mla-0.33@modelled-1.0"
    let plan = await CommandCall(
      "measure", latent, "--policy", policy, "--plan", folder.file("plan.jsonl"))
    #expect(plan.exitCode == 0, "\(plan.errors)")
    let lines = try folder.text(of: "plan.jsonl").split(separator: "\n").dropFirst()
    #expect(!lines.isEmpty)
    for line in lines {
      let value = try JSONValue(parsing: Array(line.utf8))
      let text = try #require(value["batch"]?.string)
      let described = try #require(BatchKey(text: text).described)
      #expect(described.batch.summary.isSingleTokenOnly && described.batch.summary.rows > 0)
      #expect(described.kvHeads == 1 && described.headSize == 576)
      let names = try #require(value["variants"]?.elements).compactMap(\.string)
      #expect(names.allSatisfy { $0.hasPrefix("modelled-1.0/triton-mla-") })
      // An anchor may serve batches on either side of the rule's bound.
      #expect(names.count <= 2, "\(names)")
    }
    let call = await CommandCall(
      "replay", latent, "--policy", policy, "--measurements", store, "--provider", provider,
      "--format", "json")
    #expect(call.exitCode == 0, "\(call.errors)")
    #expect(call.errors.contains("round 2: 0 batches not measured yet"))
    let json = try JSONValue(parsing: call.output)
    #expect(json["policies"]?[policy]?["attention_ms"]?.double ?? 0 > 0)
  }

  @Test("a provider that fails ends the call with its command and the plan")
  func failing() async {
    let call = await CommandCall(
      "replay", trace, "--policy", "always-2d@modelled-1.0", "--measurements", store,
      "--provider", "false")
    #expect(call.exitCode == 1)
    #expect(call.errors.contains("'false' ended with 1"))
  }

  @Test(
    "calls that leave something out are refused",
    arguments: [
      ["--policy", "always-2d", "--provider", "true", "--measurements", "s.sqlite"],
      ["--policy", "always-2d@modelled-1.0", "--provider", "true"],
      ["--policy", "always-2d@"],
    ])
  func refused(options: [String]) async {
    let call = await CommandCall(["replay", trace] + options)
    #expect(call.exitCode == 2)
    #expect(call.hasOneErrorLine)
  }
}
