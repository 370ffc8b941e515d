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
  /// requests at once, prefix caching, asynchronous scheduling, blocks of 16.
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
  static let models = [mistralSmall24B, llama31with8B]

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
}
