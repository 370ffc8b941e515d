import TestSupport
import Testing

@Suite("What a trace's header leaves open")
struct ReplaySourceTests {
  let folder: TemporaryDirectory

  init() throws { folder = try TemporaryDirectory() }

  /// A replay of the sample whose header has one text in place of another.
  private func replay(
    _ text: String, _ replacement: String, _ policies: String = "always-2d"
  ) async throws -> CommandCall {
    let log = StepLogSample().text
    #expect(log.contains(text))
    let path = try folder.write(log.replacing(text, with: replacement).utf8, to: "run.jsonl")
    let trace = folder.file("run.reprise")
    _ = await CommandCall("record", path, "--output", trace)
    return await CommandCall("replay", trace, "--policy", policies, "--format", "json")
  }

  @Test("a model without all its numbers is told of, and its GPU is kept")
  func incompleteModel() async throws {
    let call = try await replay(#""head_size":128,"#, "")
    #expect(call.exitCode == 0)
    #expect(call.output.contains("the trace's model lacks head_size, so it is served by"))
    let other = try await replay(
      #""NVIDIA H200","sm_count":132,"machine":1,"model":{"name":"mistral-small-24b","layers":40,"#,
      #""NVIDIA A100","sm_count":108,"model":{"name":"mistral-small-24b","layers":0,"#)
    #expect(other.exitCode == 1)
    #expect(other.errors.contains("no profile for 'NVIDIA A100'"))
  }

  @Test("options that predictions leave out are noted")
  func leftOut() async throws {
    let call = try await replay(
      #""chunked_prefill":true"#,
      #""chunked_prefill":true,"scheduling_policy":"priority","quantization":"fp8""#)
    #expect(call.output.contains("recorded with priority scheduling"))
    #expect(call.output.contains("recorded with fp8 weights"))
    let wide = try await replay(#""dtype":"bfloat16""#, #""dtype":"float32""#)
    #expect(wide.output.contains("recorded with float32 weights"))
    let cache = try await replay(#""kv_block_size""#, #""kv_cache_dtype":"fp8","kv_block_size""#)
    #expect(cache.exitCode == 1)
    #expect(cache.errors.contains("'kv_cache_dtype' is fp8"))
  }

  @Test(
    "GPU times of kernels that nothing is known of are left out, and the report says why",
    arguments: [
      (#""selection_policy":"POLICY""#, "bogus", "recorded under bogus, which is not known here"),
      (#""selection_policy":"POLICY""#, "flashinfer", "and flashinfer has no times for"),
    ])
  func unusableTimes(key: String, policy: String, reason: String) async throws {
    let call = try await replay(
      key.replacing("POLICY", with: "vllm-default"), key.replacing("POLICY", with: policy))
    #expect(call.exitCode == 0)
    #expect(call.output.contains("rest of step from the profile of mistral-small-24b"))
    #expect(call.output.contains(reason), "\(call.output.prefix(2000))")
  }

  @Test("a package of which nothing is measured is no policy's")
  func unknownPackage() async throws {
    let call = try await replay("vllm-default", "always-2d", "always-2d@nothing")
    #expect(call.exitCode == 1)
    #expect(call.errors.contains("nothing is measured of 'nothing' on NVIDIA H200"))
  }
}
