public import KernelSelection
public import TraceModel

extension EngineLimits {
  /// Numbers without a bound of their own, such as heads and widths.
  public static let number = 1...Int(Int32.max)
  /// Transformer layers; times of one are multiplied by them.
  public static let layers = 1...10_000
}

/// Why no engine can be modelled from a trace's header.
public struct EngineModelError: Error, Hashable, Sendable {
  /// The header's key, such as `sm_count`.
  public var key: String
  /// What is wrong with it, and what would do.
  public var reason: String

  /// One line: the key and what is wrong with it.
  public var message: String { MessageText.oneLine("trace header: '\(key)' \(reason)") }
}

extension EngineModel {
  /// The engine that a trace was recorded on.
  ///
  /// Needs `model`, `sm_count`, `kv_block_size`, `kv_cache_tokens`, `max_num_batched_tokens` and
  /// `max_num_seqs`, and capture sizes with a graph mode. Left out, `tensor_parallel` is 1,
  /// `cuda_graph_mode` `NONE`, and the rest what the release does by default.
  public init(header: TraceHeader) throws(EngineModelError) {
    let model = try Self.model(header)
    let gpu = header.gpu.map { $0.lowercased().split(separator: " ").joined(separator: "-") }
    let blockSize = try Self.number(header, "kv_block_size", in: EngineLimits.kvBlockSize)
    let tokens = try Self.number(header, "kv_cache_tokens", in: 1...Int.max)
    let blocks = tokens / blockSize
    guard EngineLimits.kvBlocks.contains(blocks) else {
      let reason = "makes \(blocks) blocks, not 1 to \(EngineLimits.kvBlocks.upperBound)"
      throw EngineModelError(key: "kv_cache_tokens", reason: reason)
    }
    guard try Self.flag(header, "chunked_prefill") ?? true else {
      let reason = "is false, but only engines that split prompts over steps are modelled"
      throw EngineModelError(key: "chunked_prefill", reason: reason)
    }
    let ranks = try Self.number(header, "tensor_parallel", default: 1)
    if let problem = model.problem(ofRanks: ranks) {
      throw EngineModelError(key: "tensor_parallel", reason: problem)
    }
    guard try Self.number(header, "pipeline_parallel", default: 1) == 1 else {
      let reason = "is above 1, but engines whose layers are spread over GPUs are not modelled"
      throw EngineModelError(key: "pipeline_parallel", reason: reason)
    }
    if let type = header["kv_cache_dtype"]?.string, !Self.timedCacheTypes.contains(type) {
      let reason = "is \(type), but kernels are timed with 16 bits an element"
      throw EngineModelError(key: "kv_cache_dtype", reason: reason)
    }
    let version = header.engineVersion.flatMap(VLLMVersion.init) ?? .newestDescribed
    self.init(
      name: "\(model.name)@\(gpu ?? "unknown-gpu")", model: model,
      tensorParallel: ranks,
      smCount: try Self.number(header, "sm_count"),
      maxBatchedTokens: try Self.number(
        header, "max_num_batched_tokens", in: EngineLimits.maxBatchedTokens),
      maxSequences: try Self.number(
        header, "max_num_seqs", in: EngineLimits.maxSequences),
      kvBlockSize: blockSize, kvBlocks: blocks,
      prefixCaching: try Self.flag(header, "prefix_caching") ?? true,
      asyncScheduling: try Self.flag(header, "async_scheduling")
        ?? version.schedulesAsynchronously,
      longPrefillTokenThreshold: try Self.number(
        header, "long_prefill_token_threshold", in: EngineLimits.longPrefillTokenThreshold,
        default: 0),
      reservesFullPrompt: try Self.flag(header, "scheduler_reserve_full_isl")
        ?? version.reservesFullPrompt,
      rules: try Self.rules(header, version),
      graphs: try Self.graphs(header),
      speculativeTokens: header["speculative_tokens"] == nil
        ? 0 : try Self.number(header, "speculative_tokens", in: EngineLimits.speculativeTokens),
      warmUp: try Self.warmUp(header))
  }

  /// vLLM's names of KV caches with elements of 16 bits; by default they are the model's.
  private static let timedCacheTypes: Set<String> = ["auto", "bfloat16", "float16", "half"]

  /// The release's rules, with those that the header states.
  private static func rules(
    _ header: TraceHeader, _ version: VLLMVersion
  ) throws(EngineModelError) -> SchedulerRules {
    func flag(_ key: SchedulerRules.Key) throws(EngineModelError) -> Bool? {
      try Self.flag(header, key.rawValue)
    }
    let active = SchedulerRules.Key.maxActiveSequences.rawValue
    var rules = SchedulerRules(version)
    rules.override(
      sparesLoneRequest: try flag(.sparesLoneRequest),
      adaptsLongPrefillThreshold: try flag(.adaptsLongPrefillThreshold),
      maxActiveSequences: header[active] == nil
        ? nil : try number(header, active, in: EngineLimits.maxSequences),
      watermark: try watermark(header),
      takesNamelessBlocksFirst: try flag(.takesNamelessBlocksFirst),
      hasPersistentBatch: try flag(.hasPersistentBatch))
    return rules
  }

  private static func watermark(_ header: TraceHeader) throws(EngineModelError) -> Double? {
    let key = SchedulerRules.Key.watermark.rawValue
    guard let json = header[key] else { return nil }
    guard let value = json.double, EngineLimits.watermark.contains(value) else {
      throw EngineModelError(key: key, reason: "is no number from 0 to below 1")
    }
    return value
  }

  /// Why a model's numbers cannot be; `nil` where they can.
  public static func problem(of model: ModelShape) -> EngineModelError? {
    let numbers = [
      ("layers", model.layers, EngineLimits.layers),
      ("hidden_size", model.hiddenSize, EngineLimits.number),
      ("intermediate_size", model.intermediateSize, EngineLimits.number),
      ("num_query_heads", model.queryHeads, EngineLimits.number),
      ("num_kv_heads", model.kvHeads, EngineLimits.number),
      ("head_size", model.headSize, EngineLimits.number),
      ("vocab_size", model.vocabularySize, EngineLimits.number),
      ("max_model_len", model.maxModelLength, EngineLimits.maxModelLength),
    ]
    for (key, value, range) in numbers where !range.contains(value) {
      let reason = "is \(value), not a whole number from 1 to \(range.upperBound)"
      return EngineModelError(key: key, reason: reason)
    }
    guard model.queryHeads.isMultiple(of: model.kvHeads) else {
      let reason = "is \(model.queryHeads), no multiple of the \(model.kvHeads) KV heads"
      return EngineModelError(key: "num_query_heads", reason: reason)
    }
    return nil
  }

  private static func model(_ header: TraceHeader) throws(EngineModelError) -> ModelShape {
    guard let json = header["model"] else {
      let reason = "is missing: a trace of arrivals alone needs an engine by name or file"
      throw EngineModelError(key: "model", reason: reason)
    }
    guard let model = ModelShape(json: json) else {
      let lacking = ModelShape.missing(in: json).joined(separator: ", ")
      throw EngineModelError(key: "model", reason: "lacks \(lacking), each number at least 1")
    }
    if let problem = problem(of: model) { throw problem }
    return model
  }

  private static func flag(
    _ header: TraceHeader, _ key: String
  ) throws(EngineModelError) -> Bool? {
    guard let json = header[key] else { return nil }
    guard let value = json.bool else {
      throw EngineModelError(key: key, reason: "is neither true nor false")
    }
    return value
  }

  private static func number(
    _ header: TraceHeader, _ key: String, in range: ClosedRange<Int> = EngineLimits.number,
    default: Int? = nil
  ) throws(EngineModelError) -> Int {
    guard let json = header[key] else {
      if let `default` { return `default` }
      throw EngineModelError(
        key: key, reason: "is missing: name an engine instead, or add it to the trace")
    }
    guard let value = json.int, range.contains(value) else {
      let bound = range.upperBound == .max ? "" : " to \(range.upperBound)"
      throw EngineModelError(
        key: key, reason: "is no whole number from \(range.lowerBound)\(bound)")
    }
    return value
  }

  private static func warmUp(
    _ header: TraceHeader
  ) throws(EngineModelError) -> ServedSizes? {
    var sizes: ServedSizes?
    for (key, path) in ServedSizes.keys {
      guard let json = header[key] else { continue }
      guard let set = json.string.flatMap(SizeSet.init(text:)) else {
        throw EngineModelError(
          key: key, reason: "tells no ascending numbers up to \(SizeSet.most), such as \"1-31,85\"")
      }
      sizes = sizes ?? ServedSizes()
      sizes?[keyPath: path] = set
    }
    return sizes
  }

  private static func graphs(_ header: TraceHeader) throws(EngineModelError) -> CUDAGraphs {
    guard let name = header["cuda_graph_mode"] else {
      return CUDAGraphs(mode: .none, captureSizes: [])
    }
    guard let mode = name.string.flatMap(CUDAGraphMode.init) else {
      let modes = CUDAGraphMode.allCases.map(\.rawValue).joined(separator: ", ")
      throw EngineModelError(key: "cuda_graph_mode", reason: "is none of \(modes)")
    }
    guard mode != .none else { return CUDAGraphs(mode: .none, captureSizes: []) }
    guard case .array(let values)? = header["cuda_graph_capture_sizes"] else {
      let reason = "is missing, or no list, but steps are captured (\(mode.rawValue))"
      throw EngineModelError(key: "cuda_graph_capture_sizes", reason: reason)
    }
    let sizes = values.compactMap(\.int).filter(EngineLimits.number.contains)
    guard sizes.count == values.count, !sizes.isEmpty else {
      throw EngineModelError(
        key: "cuda_graph_capture_sizes", reason: "needs whole numbers of at least 1")
    }
    return CUDAGraphs(mode: mode, captureSizes: sizes)
  }
}

extension VLLMVersion {
  /// The newest release whose rules this program knows.
  public static let newestDescribed = VLLMVersion(0, 33)

  /// Whether step n + 1 is scheduled before step n's tokens return, by default.
  ///
  /// Since PR #27614 (2025-12-29), after 0.13.
  public var schedulesAsynchronously: Bool { self >= VLLMVersion(0, 14) }

  /// Whether a waiting request must fit its whole prompt in free blocks, by default.
  ///
  /// Since PR #37307 (2026-03-24): not in 0.18.1, in 0.20.0.
  public var reservesFullPrompt: Bool { self >= VLLMVersion(0, 19) }
}
