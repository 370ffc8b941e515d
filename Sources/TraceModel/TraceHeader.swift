/// What a trace says of itself: where it comes from, and the engine and machine it was recorded on.
///
/// Everything that a source may not know is optional. `members` is the whole header as
/// `engine-step-log/1` writes it, in order, keys that this version does not know included; the
/// properties are a typed view of it, so that writing a log back loses nothing.
public struct TraceHeader: Hashable, Sendable {
  /// The header's members in the order they were read, without `kind`.
  public var members: [JSONValue.Member]

  /// A header of given members.
  public init(members: [JSONValue.Member] = []) { self.members = members }

  /// The value under a key; setting `nil` removes the member, a new key goes to the end.
  public subscript(key: String) -> JSONValue? {
    get { members.first { $0.key == key }?.value }
    set {
      let index = members.firstIndex { $0.key == key }
      switch (index, newValue) {
      case (let index?, let value?): members[index].value = value
      case (let index?, nil): members.remove(at: index)
      case (nil, let value?): members.append(.init(key, value))
      case (nil, nil): break
      }
    }
  }
}

extension TraceHeader {
  /// The serving engine, such as `vllm`; `nil` for traces of arrivals alone.
  public var engine: String? { self["engine"]?.string }
  /// The engine's version, such as `0.24.0`.
  public var engineVersion: String? { self["engine_version"]?.string }
  /// The GPU's name, such as `NVIDIA H200`.
  public var gpu: String? { self["gpu"]?.string }
  /// Streaming multiprocessors of the GPU.
  public var smCount: Int? { self["sm_count"]?.int }
  /// Which physical machine it was, where several recorded.
  public var machine: Int? { self["machine"]?.int }
  /// The model's shape.
  public var model: ModelShape? { self["model"].flatMap(ModelShape.init(json:)) }
  /// The attention backend's name.
  public var attentionBackend: String? { self["attention_backend"]?.string }
  /// The selection policy in force while recording, by the recorder's name for it.
  public var selectionPolicy: String? { self["selection_policy"]?.string }
  /// Tokens in a KV block.
  public var kvBlockSize: Int? { self["kv_block_size"]?.int }
  /// The scheduler's token budget per step.
  public var maxBatchedTokens: Int? { self["max_num_batched_tokens"]?.int }
  /// The most requests that run at once.
  public var maxSequences: Int? { self["max_num_seqs"]?.int }
  /// Whether blocks of finished requests are reused by prefix.
  public var prefixCaching: Bool? { self["prefix_caching"]?.bool }
  /// Whether step n + 1 is scheduled before step n's tokens return.
  public var asyncScheduling: Bool? { self["async_scheduling"]?.bool }
  /// GPUs that share one layer's heads.
  public var tensorParallel: Int? { self["tensor_parallel"]?.int }
  /// The workload's name.
  public var workload: String? { self["workload"]?.string }
  /// Tokens that one of a request's `prefixBlocks` stands for.
  public var prefixBlockTokens: Int? { self["prefix_block_tokens"]?.int }
}

extension JSONValue {
  /// The string, if it is one.
  public var string: String? { if case .string(let value) = self { value } else { nil } }
  /// The truth value, if it is one.
  public var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
  /// The integer, if it is one.
  public var int: Int? { if case .integer(let value) = self { Int(value) } else { nil } }
  /// The number, whole or not.
  public var double: Double? {
    switch self {
    case .integer(let value): Double(value)
    case .number(let value): value
    default: nil
    }
  }
  /// The value of a member, if it is an object that has it.
  public subscript(key: String) -> JSONValue? {
    guard case .object(let members) = self else { return nil }
    return members.first { $0.key == key }?.value
  }
}
