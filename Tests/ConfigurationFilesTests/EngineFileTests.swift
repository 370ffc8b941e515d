import ConfigurationFiles
import EngineSimulation
import KernelSelection
import Testing
import TraceModel

@Suite("An engine file")
struct EngineFileTests {
  private func parse(_ text: String) throws -> EngineModel {
    try EngineFile.parse(bytes: Array(text.utf8), path: "engine.yaml")
  }

  @Test("takes what it leaves out from its base")
  func base() throws {
    let base = try EngineCatalog.named("llama-3.1-8b@nvidia-h200")
    #expect(try parse("base: llama-3.1-8b@nvidia-h200") == base)

    let changed = try parse("base: llama-3.1-8b@nvidia-h200\nkv_block_size: 64\nmax_num_seqs: 20")
    #expect(changed.name == "llama-3.1-8b@nvidia-h200-changed")
    #expect(changed.kvBlocks == 889_552 / 64)
    #expect(changed.maxSequences == 20)
    #expect(changed.graphs.captureSizes == [1, 2, 4, 8, 16, 20, 24, 32, 40])
  }

  @Test("follows a release where it says nothing else")
  func releases() throws {
    let rest = "model: llama-3.1-8b\ngpu: nvidia-h200\nkv_cache_tokens: 1600\n"
    let old = try parse(rest + "engine_version: 0.10")
    #expect(old.graphs == .vLLM09())
    #expect(!old.asyncScheduling && !old.reservesFullPrompt)
    #expect(!old.rules.sparesLoneRequest && !old.rules.takesNamelessBlocksFirst)
    #expect(old.rules.hasPersistentBatch)
    let new = try parse(rest + "engine_version: 0.24.0")
    #expect(new.graphs == .vLLM013())
    #expect(new.asyncScheduling && new.reservesFullPrompt)
    #expect(!new.rules.sparesLoneRequest && new.rules.takesNamelessBlocksFirst)
    #expect(!new.rules.hasPersistentBatch)
    let asked = try parse(
      rest + "long_prefill_spares_lone_request: false\nmax_num_active_seqs: 5\nwatermark: 0.25\n"
        + "long_prefill_token_threshold_adaptive: true")
    #expect(!asked.rules.sparesLoneRequest && asked.rules.adaptsLongPrefillThreshold)
    #expect(asked.rules.maxActiveSequences == 5 && asked.rules.watermark == 0.25)
    #expect(new.kvBlocks == 100 && new.smCount == 132 && new.tensorParallel == 1)
    #expect(new.name == "llama-3.1-8b@file")
    let eager = try parse(rest + "cuda_graph_mode: NONE\nengine_version: \"0.24\"")
    #expect(eager.graphs == CUDAGraphs(mode: .none, captureSizes: []))
    let sizes = try parse(rest + "cuda_graph_capture_sizes: [8, 1, 4]")
    #expect(sizes.graphs == CUDAGraphs(mode: .fullAndPiecewise, captureSizes: [1, 4, 8]))
  }

  @Test("with a mistake is answered with the line and what is allowed")
  func mistakes() {
    let rest = "model: llama-3.1-8b\ngpu: nvidia-h200\n"
    let table: [(String, String)] = [
      (
        "base: llama",
        "engine.yaml:1:7: unknown engine 'llama'; known are mistral-small-24b@nvidia-h200, "
          + "llama-3.1-8b@nvidia-h200, deepseek-v3@nvidia-h200"
      ),
      (
        "gpu: nvidia-h200",
        "engine.yaml:1:1: key 'model' is missing: give its name or its shape, or a 'base'"
      ),
      (
        "model: llama-3-8b",
        "engine.yaml:1:8: unknown model 'llama-3-8b' (did you mean 'llama-3.1-8b'?); known are "
          + "mistral-small-24b, llama-3.1-8b, deepseek-v3"
      ),
      (
        "model: 8",
        "engine.yaml:1:8: 'model' needs a mapping with keys such as 'name', not the number 8"
      ),
      (
        "model: llama-3.1-8b",
        "engine.yaml:1:1: key 'sm_count' is missing: or give 'gpu' or 'base'"
      ),
      (
        "model: llama-3.1-8b\ngpu: nvidia-h100",
        "engine.yaml:2:6: unknown GPU (without 'sm_count') 'nvidia-h100' (did you mean "
          + "'nvidia-h200'?); known are nvidia-h200"
      ),
      (
        rest,
        "engine.yaml:1:1: key 'kv_cache_tokens' is missing: vLLM prints it as 'GPU KV cache size'"
      ),
      (
        "base: llama-3.1-8b@nvidia-h200\ntensor_parallel: 2",
        "engine.yaml:1:1: key 'kv_cache_tokens' is missing: with another 'tensor_parallel' the base's "
          + "pool does not hold"
      ),
      (
        rest + "tensor_parallel: 3",
        "engine.yaml:3:18: 'tensor_parallel' does not divide 32 query and 8 KV heads among 3 GPUs"
      ),
      (
        rest + "kv_cache_tokens: 15",
        "engine.yaml:3:18: 'kv_cache_tokens' makes 0 blocks, not 1 to 16777216"
      ),
      (
        rest + "max_num_seqs: 0",
        "engine.yaml:3:15: 'max_num_seqs' needs a whole number from 1 to 1048576, not the number 0"
      ),
      (
        rest + "max_num_batched_tokens: 8k",
        "engine.yaml:3:25: 'max_num_batched_tokens' needs a whole number from 1 to 16777216, not "
          + "the text '8k'"
      ),
      (
        rest + "engine_version: newest",
        "engine.yaml:3:17: 'engine_version' needs a release of vLLM such as 0.24.0, not the text "
          + "'newest'"
      ),
      (
        rest + "kv_cache_tokens: 1600\ncuda_graph_mode: full",
        "engine.yaml:4:18: unknown CUDA-graph mode 'full' (did you mean 'FULL'?); known are NONE, "
          + "PIECEWISE, FULL, FULL_DECODE_ONLY, FULL_AND_PIECEWISE"
      ),
      (
        rest + "kv_cache_tokens: 1600\ncuda_graph_capture_sizes: []",
        "engine.yaml:4:27: 'cuda_graph_capture_sizes' needs 1 to 4096 sizes; for none, set "
          + "'cuda_graph_mode: NONE'"
      ),
      (
        rest + "max_num_seq: 5",
        "engine.yaml:3:1: unknown key 'max_num_seq' (did you mean 'max_num_seqs'?); allowed are name, "
          + "base, model, gpu, sm_count, tensor_parallel, engine_version, max_num_batched_tokens, "
          + "max_num_seqs, kv_block_size, kv_cache_tokens, prefix_caching, async_scheduling, "
          + "long_prefill_token_threshold, scheduler_reserve_full_isl, cuda_graph_mode, "
          + "cuda_graph_capture_sizes, long_prefill_spares_lone_request, "
          + "long_prefill_token_threshold_adaptive, max_num_active_seqs, watermark, "
          + "nameless_blocks_first, persistent_batch"
      ),
      (
        rest + "kv_cache_tokens: 1600\nwatermark: 1",
        "engine.yaml:4:12: 'watermark' needs a number from 0 to below 1, not the number 1"
      ),
    ]
    for (text, message) in table { #expect(engineMessage(text) == message) }
  }

  @Test("with a model that cannot be names the number")
  func models() {
    let shape = """
      model:
        name: m
        layers: 2
        hidden_size: 8
        intermediate_size: 8
        num_query_heads: 6
        num_kv_heads: 4
        head_size: 2
        vocab_size: 9
        max_model_len: 100
      """
    #expect(
      engineMessage(shape)
        == "engine.yaml:6:20: 'num_query_heads' is 6, no multiple of the 4 KV heads")
    let deep = shape.split(separator: "\n").map {
      $0.hasPrefix("  layers") ? "  layers: 20000" : $0
    }
    #expect(
      engineMessage(deep.joined(separator: "\n"))
        == "engine.yaml:3:11: 'layers' is 20000, not a whole number from 1 to 10000")
    let short = shape.split(separator: "\n").filter { !$0.hasPrefix("  head_size") }
    #expect(
      engineMessage(short.joined(separator: "\n"))
        == "engine.yaml:2:3: key 'head_size' is missing")
  }

  @Test("is not needed for the engines that the program knows")
  func catalog() throws {
    let mistral = try EngineCatalog.named(EngineCatalog.defaultName)
    #expect(mistral.kvBlocks == 32609 && mistral.kvBlockSize == 16)
    #expect(mistral.model.layers == 40 && mistral.model.maxModelLength == 32768)
    #expect(mistral.maxBatchedTokens == 8192 && mistral.maxSequences == 1024)
    #expect(mistral.prefixCaching && mistral.asyncScheduling && mistral.reservesFullPrompt)
    #expect(mistral.graphs == .vLLM013())
    let llama = try EngineCatalog.named("llama-3.1-8b@nvidia-h200")
    #expect(llama.kvBlocks == 55597 && llama.model.maxModelLength == 131_072)
    for entry in EngineCatalog.entries {
      #expect(EngineModel.problem(of: entry.engine.model) == nil)
      #expect(!entry.origin.isEmpty)
    }
    #expect(
      configurationMessage { () throws(ConfigurationError) in
        try EngineCatalog.named("mistral-small-24b@nvidia-h100")
      }
        == "unknown engine 'mistral-small-24b@nvidia-h100' (did you mean "
        + "'mistral-small-24b@nvidia-h200'?); known are mistral-small-24b@nvidia-h200, "
        + "llama-3.1-8b@nvidia-h200, deepseek-v3@nvidia-h200")
    let deepSeek = try EngineCatalog.named("deepseek-v3@nvidia-h200")
    #expect(deepSeek.attentionContext.isLatent && deepSeek.attentionContext.queryHeads == 16)
  }
}
