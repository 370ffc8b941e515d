/// The numbers of a transformer that decide what its kernels do.
///
/// Widths and heads are those of the whole model; `perRank` divides them over tensor-parallel GPUs.
public struct ModelShape: Hashable, Sendable {
  /// The model's name, such as `mistral-small-24b`.
  public var name: String
  /// Transformer layers.
  public var layers: Int
  /// Width of the residual stream.
  public var hiddenSize: Int
  /// Width of the MLP.
  public var intermediateSize: Int
  /// Query heads.
  public var queryHeads: Int
  /// Key and value heads.
  public var kvHeads: Int
  /// Elements of a head.
  public var headSize: Int
  /// Rows of the output projection.
  public var vocabularySize: Int
  /// The longest prompt and output together, in tokens.
  public var maxModelLength: Int

  /// A shape; every number is at least 1.
  public init(
    name: String, layers: Int, hiddenSize: Int, intermediateSize: Int, queryHeads: Int,
    kvHeads: Int, headSize: Int, vocabularySize: Int, maxModelLength: Int
  ) {
    self.name = name
    self.layers = layers
    self.hiddenSize = hiddenSize
    self.intermediateSize = intermediateSize
    self.queryHeads = queryHeads
    self.kvHeads = kvHeads
    self.headSize = headSize
    self.vocabularySize = vocabularySize
    self.maxModelLength = maxModelLength
  }

  /// Reads the `model` object of `engine-step-log/1`; `nil` where a number is missing or below 1.
  public init?(json: JSONValue) {
    func positive(_ key: String) -> Int? { json[key]?.int.flatMap { $0 >= 1 ? $0 : nil } }
    guard let name = json["name"]?.string, let layers = positive("layers"),
      let hiddenSize = positive("hidden_size"),
      let intermediateSize = positive("intermediate_size"),
      let queryHeads = positive("num_query_heads"), let kvHeads = positive("num_kv_heads"),
      let headSize = positive("head_size"), let vocabularySize = positive("vocab_size"),
      let maxModelLength = positive("max_model_len")
    else { return nil }
    self.init(
      name: name, layers: layers, hiddenSize: hiddenSize, intermediateSize: intermediateSize,
      queryHeads: queryHeads, kvHeads: kvHeads, headSize: headSize,
      vocabularySize: vocabularySize, maxModelLength: maxModelLength)
  }

  /// Query heads that share one KV head.
  public var queryHeadsPerKVHead: Int { max(1, queryHeads / kvHeads) }

  /// The shape that one of `ranks` tensor-parallel GPUs has: its share of the heads, of the MLP and of the
  /// output's projection, at least one of each.
  public func perRank(_ ranks: Int) -> ModelShape {
    var shape = self
    shape.queryHeads = max(1, queryHeads / ranks)
    shape.kvHeads = max(1, kvHeads / ranks)
    shape.intermediateSize = max(1, intermediateSize / ranks)
    shape.vocabularySize = max(1, vocabularySize / ranks)
    return shape
  }
}
