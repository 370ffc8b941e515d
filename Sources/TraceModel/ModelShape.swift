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

  /// Reads the `model` object of `engine-step-log/1`; `nil` where something is missing or a number below 1.
  public init?(json: JSONValue) {
    guard let name = json["name"]?.string, Self.missing(in: json).isEmpty else { return nil }
    func number(_ key: NumberKey) -> Int { json[key.rawValue]?.int ?? 0 }
    self.init(
      name: name, layers: number(.layers), hiddenSize: number(.hiddenSize),
      intermediateSize: number(.intermediateSize), queryHeads: number(.queryHeads),
      kvHeads: number(.kvHeads), headSize: number(.headSize),
      vocabularySize: number(.vocabularySize), maxModelLength: number(.maxModelLength))
  }

  /// The keys of numbers in a `model` object.
  private enum NumberKey: String, CaseIterable {
    case layers
    case hiddenSize = "hidden_size"
    case intermediateSize = "intermediate_size"
    case queryHeads = "num_query_heads"
    case kvHeads = "num_kv_heads"
    case headSize = "head_size"
    case vocabularySize = "vocab_size"
    case maxModelLength = "max_model_len"
  }

  /// What a `model` object lacks, by its keys: the name, and numbers that are not there or below 1.
  public static func missing(in json: JSONValue) -> [String] {
    let numbers = NumberKey.allCases.map(\.rawValue).filter { (json[$0]?.int ?? 0) < 1 }
    return (json["name"]?.string == nil ? ["name"] : []) + numbers
  }

  /// Query heads that share one KV head.
  public var queryHeadsPerKVHead: Int { max(1, queryHeads / kvHeads) }

  /// Why so many tensor-parallel GPUs cannot share the heads; `nil` where they can.
  ///
  /// Fewer KV heads than GPUs are copied.
  public func problem(ofRanks ranks: Int) -> String? {
    let sharesKVHeads = kvHeads.isMultiple(of: ranks) || ranks.isMultiple(of: kvHeads)
    guard !queryHeads.isMultiple(of: ranks) || !sharesKVHeads else { return nil }
    return "does not divide \(queryHeads) query and \(kvHeads) KV heads among \(ranks) GPUs"
  }

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
