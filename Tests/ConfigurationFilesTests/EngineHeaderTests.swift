import EngineSimulation
import KernelSelection
import Testing
import TraceModel

@Suite("The engine of a trace's header")
struct EngineHeaderTests {
  /// The header of a recorded run.
  static let recorded = """
    {"engine":"vllm","engine_version":"0.24.0","gpu":"NVIDIA H200","sm_count":132,"machine":1,
    "model":{"name":"mistral-small-24b","layers":40,"hidden_size":5120,"intermediate_size":32768,
    "num_query_heads":32,"num_kv_heads":8,"head_size":128,"vocab_size":131072,"dtype":"bfloat16",
    "max_model_len":32768},"kv_block_size":16,"kv_cache_tokens":521744,
    "max_num_batched_tokens":8192,"max_num_seqs":1024,"chunked_prefill":true,
    "prefix_caching":false,"async_scheduling":true,"cuda_graph_mode":"FULL_AND_PIECEWISE",
    "cuda_graph_capture_sizes":[1,2,4,8,16,24,32,40,48,56,64],"tensor_parallel":1}
    """

  private func header() throws -> TraceHeader {
    guard case .object(let members) = try JSONValue(parsing: Self.recorded) else {
      return TraceHeader()
    }
    return TraceHeader(members: members)
  }

  @Test("has the recorded limits, pool and graphs")
  func recordedEngine() throws {
    let engine = try EngineModel(header: header())
    #expect(engine.name == "mistral-small-24b@nvidia-h200")
    #expect(engine.model.layers == 40 && engine.smCount == 132)
    #expect(engine.kvBlocks == 32609 && engine.kvBlockSize == 16)
    #expect(engine.maxBatchedTokens == 8192 && engine.maxSequences == 1024)
    #expect(!engine.prefixCaching && engine.asyncScheduling && engine.reservesFullPrompt)
    #expect(engine.graphs.mode == .fullAndPiecewise && engine.graphs.captureSizes.last == 64)
    #expect(engine.attentionContext.queryHeadsPerKVHead == 4)
  }

  @Test("knows what its process has served where the header says it")
  func warmUp() throws {
    var header = try header()
    #expect(try EngineModel(header: header).warmUp == nil)
    header["warmed_up_tokens"] = .string("1-31,1000")
    var served = ServedSizes(tokens: try #require(SizeSet(text: "1-31,1000")))
    #expect(try EngineModel(header: header).warmUp == served)
    header["warmed_up_rows"] = .string("1-31")
    served.rows = SizeSet(upTo: 31)
    #expect(try EngineModel(header: header).warmUp == served)
  }

  @Test("is refused with the name of a key that is missing or cannot be")
  func mistakes() throws {
    let table: [(String, JSONValue?, String)] = [
      (
        "model", nil,
        "'model' is missing: a trace of arrivals alone needs an engine by name or file"
      ),
      ("sm_count", nil, "'sm_count' is missing: name an engine instead, or add it to the trace"),
      ("kv_block_size", .integer(0), "'kv_block_size' is no whole number from 1 to 65536"),
      ("kv_cache_tokens", .string("many"), "'kv_cache_tokens' is no whole number from 1"),
      (
        "kv_cache_tokens", .integer(.max),
        "'kv_cache_tokens' makes 576460752303423487 blocks, not 1 to 16777216"
      ),
      ("max_num_seqs", .integer(1 << 30), "'max_num_seqs' is no whole number from 1 to 1048576"),
      (
        "chunked_prefill", .bool(false),
        "'chunked_prefill' is false, but only engines that split prompts over steps are modelled"
      ),
      ("chunked_prefill", .integer(1), "'chunked_prefill' is neither true nor false"),
      ("async_scheduling", .string("off"), "'async_scheduling' is neither true nor false"),
      ("prefix_caching", .string("false"), "'prefix_caching' is neither true nor false"),
      (
        "scheduler_reserve_full_isl", .null,
        "'scheduler_reserve_full_isl' is neither true nor false"
      ),
      ("persistent_batch", .integer(0), "'persistent_batch' is neither true nor false"),
      (
        "warmed_up_rows", .string("9-1"),
        "'warmed_up_rows' tells no ascending numbers up to 8192, such as \"1-31,85\""
      ),
      (
        "warmed_up_tokens", .integer(9),
        "'warmed_up_tokens' tells no ascending numbers up to 8192, such as \"1-31,85\""
      ),
      (
        "cuda_graph_mode", .string("ALL"),
        "'cuda_graph_mode' is none of NONE, PIECEWISE, FULL, FULL_DECODE_ONLY, FULL_AND_PIECEWISE"
      ),
      (
        "cuda_graph_capture_sizes", nil,
        "'cuda_graph_capture_sizes' is missing, or no list, but steps are captured "
          + "(FULL_AND_PIECEWISE)"
      ),
      (
        "cuda_graph_capture_sizes", .array([.integer(1), .integer(-2)]),
        "'cuda_graph_capture_sizes' needs whole numbers of at least 1"
      ),
      (
        "model", .object([.init("name", .string("m"))]),
        "'model' lacks layers, hidden_size, intermediate_size, num_query_heads, "
          + "num_kv_heads, head_size, vocab_size, max_model_len, each number at least 1"
      ),
      (
        "tensor_parallel", .integer(3),
        "'tensor_parallel' does not divide 32 query and 8 KV heads among 3 GPUs"
      ),
      (
        "pipeline_parallel", .integer(2),
        "'pipeline_parallel' is above 1, but engines whose layers are spread over GPUs are not modelled"
      ),
      (
        "kv_cache_dtype", .string("fp8"),
        "'kv_cache_dtype' is fp8, but kernels are timed with 16 bits an element"
      ),
    ]
    for (key, value, message) in table {
      var header = try header()
      header[key] = value
      do throws(EngineModelError) {
        _ = try EngineModel(header: header)
        Issue.record("no error for \(key)")
      } catch {
        #expect(error.message == "trace header: \(message)")
      }
    }
  }

  @Test("is refused where any flag of its rules is none")
  func flags() throws {
    for key in SchedulerRules.Key.allCases {
      var header = try header()
      header[key.rawValue] = .string("off")
      #expect(throws: EngineModelError.self, "\(key)") { try EngineModel(header: header) }
    }
  }

  @Test("does what its release does by default where the header says nothing")
  func defaults() throws {
    var header = try header()
    for key in ["async_scheduling", "prefix_caching", "tensor_parallel", "cuda_graph_mode"] {
      header[key] = nil
    }
    let recent = try EngineModel(header: header)
    #expect(recent.asyncScheduling && recent.prefixCaching && recent.tensorParallel == 1)
    #expect(recent.graphs.mode == .none)
    header["engine_version"] = .string("0.9.2")
    let old = try EngineModel(header: header)
    #expect(!old.asyncScheduling && !old.reservesFullPrompt)
  }
}
