public import EngineSimulation
import KernelSelection
import TraceModel

/// Engines that a replay can name without a file.
public enum EngineCatalog {
  /// A known engine, and where its numbers come from.
  public struct Entry: Sendable {
    /// The engine.
    public var engine: EngineModel
    /// Where its numbers come from, in one sentence.
    public var origin: String
  }

  /// What a replay takes when it names no engine.
  public static let defaultName = "mistral-small-24b@nvidia-h200"

  /// All known engines, in the order that listings show.
  ///
  /// Scheduler and graphs are vLLM's defaults for `vllm serve` on a GPU of that size: 8,192 tokens a step, 1,024
  /// requests at once, prefix caching, asynchronous scheduling, blocks of 16, or of
  /// 64 for latent caches.
  public static let entries: [Entry] = [
    Entry(
      engine: EngineModel(
        name: "mistral-small-24b@nvidia-h200", model: mistralSmall24B, smCount: h200SMs,
        kvBlocks: 521_744 / 16, graphs: .vLLM(.newestDescribed)),
      origin: origin(kvTokens: "521,744")),
    Entry(
      engine: EngineModel(
        name: "llama-3.1-8b@nvidia-h200", model: llama31with8B, smCount: h200SMs,
        kvBlocks: 889_552 / 16, graphs: .vLLM(.newestDescribed)),
      origin: origin(kvTokens: "889,552")),
    Entry(
      engine: EngineModel(
        name: "deepseek-v3@nvidia-h200", model: deepSeekV3, tensorParallel: 8, smCount: h200SMs,
        kvBlockSize: 64, kvBlocks: 524_288 / 64, graphs: .vLLM(.newestDescribed)),
      origin: "vllm serve's defaults for an H200; the model's published shape over 8 GPUs with a "
        + "latent cache; a KV pool of 524,288 tokens, computed from fp8 weights and not from a run."
    ),
  ]

  /// The engine of a name such as `mistral-small-24b@nvidia-h200`.
  public static func named(_ name: String) throws(ConfigurationError) -> EngineModel {
    guard let entry = entries.first(where: { $0.engine.name == name }) else {
      let known = entries.map(\.engine.name)
      throw ConfigurationError(.unknownName(what: "engine", name: name, known: known), path: nil)
    }
    return entry.engine
  }

  /// Models whose shape an engine file may name.
  static let models = [mistralSmall24B, llama31with8B, deepSeekV3]

  /// Streaming multiprocessors of GPUs that an engine file may name.
  static let gpus = [(name: "nvidia-h200", smCount: h200SMs)]

  private static let h200SMs = 132

  private static func origin(kvTokens: String) -> String {
    "vllm serve's defaults (0.24 to 0.33) for an H200; the model's published shape; a KV pool of "
      + "\(kvTokens) tokens, as vLLM 0.24.0 made it on one H200 with bf16 weights."
  }

  /// Mistral-Small-24B-Instruct-2501's `config.json`.
  private static let mistralSmall24B = ModelShape(
    name: "mistral-small-24b", layers: 40, hiddenSize: 5120, intermediateSize: 32768,
    queryHeads: 32, kvHeads: 8, headSize: 128, vocabularySize: 131_072, maxModelLength: 32_768)

  /// Llama-3.1-8B's `config.json`.
  private static let llama31with8B = ModelShape(
    name: "llama-3.1-8b", layers: 32, hiddenSize: 4096, intermediateSize: 14336, queryHeads: 32,
    kvHeads: 8, headSize: 128, vocabularySize: 128_256, maxModelLength: 131_072)

  /// DeepSeek-V3's `config.json`; one KV head of 512 latent and 64 rotary elements, as decoding has it.
  private static let deepSeekV3 = ModelShape(
    name: "deepseek-v3", layers: 61, hiddenSize: 7168, intermediateSize: 18432, queryHeads: 128,
    kvHeads: 1, headSize: 576, vocabularySize: 129_280, maxModelLength: 163_840)
}
