public import KernelSelection

/// Rules of vLLM's scheduler that came with a release, or that an option switches on.
///
/// `SCHEDULER.md` beside this file has every rule with its releases. What a release does without being
/// asked is `init(_:)`; a trace's header or an engine file overrides each rule by its `Key`.
public struct SchedulerRules: Hashable, Sendable {
  /// Whether the threshold for long prompts is void for a request that is alone.
  public var sparesLoneRequest: Bool
  /// Whether that threshold is at least an even share of the step's tokens
  /// (`long_prefill_token_threshold_adaptive`).
  public var adaptsLongPrefillThreshold = false
  /// Requests that may be admitted, below `EngineModel.maxSequences`; `nil` for as many
  /// (`max_num_active_seqs`).
  public var maxActiveSequences: Int?
  /// The share of blocks that admission leaves free while others run (`watermark`).
  public var watermark = 0.0
  /// Whether blocks without a name are taken before those that a prefix might find again.
  public var takesNamelessBlocksFirst: Bool
  /// Whether requests keep their rows from step to step, as in Model Runner V1 (`BatchRows`).
  public var hasPersistentBatch: Bool

  /// What a release does.
  public init(_ version: VLLMVersion) {
    sparesLoneRequest = version >= VLLMVersion(0, 31)
    takesNamelessBlocksFirst = version >= VLLMVersion(0, 24)
    hasPersistentBatch = version < VLLMVersion(0, 24)
  }

  /// The rules of the newest release that is described.
  public static let newest = SchedulerRules(.newestDescribed)

  /// The rules' names in trace headers and engine files: vLLM's own where it has an option.
  public enum Key: String, CaseIterable, Sendable {
    /// `sparesLoneRequest`.
    case sparesLoneRequest = "long_prefill_spares_lone_request"
    /// `adaptsLongPrefillThreshold`.
    case adaptsLongPrefillThreshold = "long_prefill_token_threshold_adaptive"
    /// `maxActiveSequences`.
    case maxActiveSequences = "max_num_active_seqs"
    /// `watermark`.
    case watermark
    /// `takesNamelessBlocksFirst`.
    case takesNamelessBlocksFirst = "nameless_blocks_first"
    /// `hasPersistentBatch`.
    case hasPersistentBatch = "persistent_batch"
  }

  /// Takes over the rules that are given.
  public mutating func override(
    sparesLoneRequest: Bool? = nil, adaptsLongPrefillThreshold: Bool? = nil,
    maxActiveSequences: Int? = nil, watermark: Double? = nil, takesNamelessBlocksFirst: Bool? = nil,
    hasPersistentBatch: Bool? = nil
  ) {
    self.sparesLoneRequest = sparesLoneRequest ?? self.sparesLoneRequest
    self.adaptsLongPrefillThreshold =
      adaptsLongPrefillThreshold ?? self.adaptsLongPrefillThreshold
    self.maxActiveSequences = maxActiveSequences ?? self.maxActiveSequences
    self.watermark = watermark ?? self.watermark
    self.takesNamelessBlocksFirst = takesNamelessBlocksFirst ?? self.takesNamelessBlocksFirst
    self.hasPersistentBatch = hasPersistentBatch ?? self.hasPersistentBatch
  }
}

extension EngineModel {
  /// The most tokens of one row while `requests` of them run or wait.
  func rowLimit(requests: Int) -> Int {
    guard longPrefillTokenThreshold > 0, requests > 1 || !rules.sparesLoneRequest else {
      return .max
    }
    guard rules.adaptsLongPrefillThreshold else { return longPrefillTokenThreshold }
    return max(longPrefillTokenThreshold, maxBatchedTokens / max(1, requests))
  }

  /// Requests that may hold a place.
  var places: Int { min(maxSequences, rules.maxActiveSequences ?? maxSequences) }

  /// Blocks that admission leaves free while others run; vLLM counts its null block with the pool.
  var watermarkBlocks: Int { Int(rules.watermark * Double(kvBlocks + 1)) }
}
