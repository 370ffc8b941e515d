public import EngineSimulation
import KernelSelection
import TraceModel

/// Engines written as YAML; `README.md` beside this file has the format.
///
/// Keys are those of a trace's header. What is left out is `base`'s, or vLLM's default for an H200.
public enum EngineFile {
  private static let keys =
    [
      "name", "base", "model", "gpu", "sm_count", "tensor_parallel", "engine_version",
      "max_num_batched_tokens", "max_num_seqs", "kv_block_size", "kv_cache_tokens",
      "prefix_caching", "async_scheduling", "long_prefill_token_threshold",
      "scheduler_reserve_full_isl", "cuda_graph_mode", "cuda_graph_capture_sizes",
    ] + SchedulerRules.Key.allCases.map(\.rawValue)

  /// Reads an engine from a file.
  public static func load(path: String) throws(ConfigurationError) -> EngineModel {
    try parse(bytes: try ConfigurationText.read(path), path: path)
  }

  /// Reads an engine from text; `path` names it in errors.
  public static func parse(bytes: [UInt8], path: String) throws(ConfigurationError) -> EngineModel {
    let root = try YAMLComposer.compose(bytes, path: path)
    let file = try MappingReader(root, name: "engine file", allowed: keys, path: path)
    let base = try base(file)
    let model = try EngineModelSection.model(file, base: base?.model)
    let version = try version(file)
    let blockSize =
      try file.integer("kv_block_size", in: EngineLimits.kvBlockSize) ?? base?.kvBlockSize ?? 16
    let tokens =
      try file.integer("max_num_batched_tokens", in: EngineLimits.maxBatchedTokens) ?? base?
      .maxBatchedTokens ?? 8192
    let sequences =
      try file.integer("max_num_seqs", in: EngineLimits.maxSequences)
      ?? base?.maxSequences ?? 1024
    let smCount = try smCount(file, base: base)
    return EngineModel(
      name: try file.name("name") ?? base.map { changedName($0, file) } ?? "\(model.name)@file",
      model: model, tensorParallel: try tensorParallel(file, model) ?? base?.tensorParallel ?? 1,
      smCount: smCount, maxBatchedTokens: tokens, maxSequences: sequences,
      kvBlockSize: blockSize, kvBlocks: try kvBlocks(file, base: base, blockSize: blockSize),
      prefixCaching: try file.bool("prefix_caching") ?? base?.prefixCaching ?? true,
      asyncScheduling: try file.bool("async_scheduling") ?? version.schedulesAsynchronously,
      longPrefillTokenThreshold: try file.integer(
        "long_prefill_token_threshold", in: EngineLimits.longPrefillTokenThreshold) ?? 0,
      reservesFullPrompt: try file.bool("scheduler_reserve_full_isl")
        ?? version.reservesFullPrompt,
      rules: try EngineRulesSection.rules(file, version: version),
      graphs: try EngineGraphSection.graphs(
        file, version: version, maxSequences: sequences, maxBatchedTokens: tokens))
  }

  private static func number(
    _ file: MappingReader, _ key: String
  ) throws(ConfigurationError) -> Int? {
    try file.integer(key, in: EngineLimits.number)
  }

  /// A base's name, said to be changed where the file says more than which it is.
  private static func changedName(_ base: EngineModel, _ file: MappingReader) -> String {
    file.keys == ["base"] ? base.name : "\(base.name)-changed"
  }

  /// How many GPUs share each layer; they take whole heads.
  private static func tensorParallel(
    _ file: MappingReader, _ model: ModelShape
  ) throws(ConfigurationError) -> Int? {
    guard let node = file["tensor_parallel"], let count = try number(file, "tensor_parallel") else {
      return nil
    }
    if let problem = model.problem(ofRanks: count) {
      throw file.invalid("tensor_parallel", problem, node)
    }
    return count
  }

  private static func base(_ file: MappingReader) throws(ConfigurationError) -> EngineModel? {
    guard let name = try file.string("base"), let node = file["base"] else { return nil }
    let entries = EngineCatalog.entries
    guard let entry = entries.first(where: { $0.engine.name == name }) else {
      throw file.unknown("engine", name, known: entries.map(\.engine.name), node)
    }
    return entry.engine
  }

  /// The release, read as it is written: unquoted, `0.10` would be the number 0.1.
  private static func version(_ file: MappingReader) throws(ConfigurationError) -> VLLMVersion {
    guard let node = file["engine_version"] else { return .newestDescribed }
    guard case .scalar(_, let text) = node.content, let version = VLLMVersion(text) else {
      throw file.wrongType("engine_version", "a release of vLLM such as 0.24.0", node)
    }
    return version
  }

  private static func smCount(
    _ file: MappingReader, base: EngineModel?
  ) throws(ConfigurationError) -> Int {
    var known: Int?
    if let name = try file.string("gpu"), let node = file["gpu"] {
      known = EngineCatalog.gpus.first { $0.name == name }?.smCount
      if known == nil, file["sm_count"] == nil {
        throw file.unknown(
          "GPU (without 'sm_count')", name, known: EngineCatalog.gpus.map(\.name), node)
      }
    }
    if let count = try number(file, "sm_count") ?? known ?? base?.smCount { return count }
    throw ConfigurationError(
      .missingKey("sm_count", hint: "or give 'gpu' or 'base'"), path: file.path, line: file.line,
      column: file.column)
  }

  /// The pool in blocks; a base's pool holds for its own model and GPUs alone.
  private static func kvBlocks(
    _ file: MappingReader, base: EngineModel?, blockSize: Int
  ) throws(ConfigurationError) -> Int {
    if let node = file["kv_cache_tokens"] {
      let tokens = try file.integer(node, key: "kv_cache_tokens", in: 1...Int.max)
      let blocks = tokens / blockSize
      guard EngineLimits.kvBlocks.contains(blocks) else {
        let reason = "makes \(blocks) blocks, not 1 to \(EngineLimits.kvBlocks.upperBound)"
        throw file.invalid("kv_cache_tokens", reason, node)
      }
      return blocks
    }
    let changed = ["model", "gpu", "sm_count", "tensor_parallel"].first { file[$0] != nil }
    guard let base, changed == nil else {
      let hint =
        base == nil
        ? "vLLM prints it as 'GPU KV cache size'"
        : "with another '\(changed ?? "")' the base's pool does not hold"
      throw ConfigurationError(
        .missingKey("kv_cache_tokens", hint: hint), path: file.path, line: file.line,
        column: file.column)
    }
    let blocks = base.kvBlocks * base.kvBlockSize / blockSize
    guard EngineLimits.kvBlocks.contains(blocks) else {
      throw ConfigurationError(
        .invalidValue(key: "kv_block_size", reason: "makes \(blocks) blocks of the base's pool"),
        path: file.path, line: file["kv_block_size"]?.line, column: file["kv_block_size"]?.column)
    }
    return blocks
  }
}
