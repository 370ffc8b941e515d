public import KernelSelection
public import StepTiming
public import TraceModel

/// The engine that a rescheduled replay models: vLLM V1's scheduler with its limits.
public struct EngineModel: Hashable, Sendable {
  /// A name for reports, such as `mistral-small-24b@nvidia-h200`.
  public var name: String
  /// The model served.
  public var model: ModelShape
  /// GPUs that share one layer's heads.
  public var tensorParallel: Int
  /// Streaming multiprocessors of each GPU.
  public var smCount: Int
  /// Tokens that one step may compute (`max_num_batched_tokens`).
  public var maxBatchedTokens: Int
  /// Requests that may run at once (`max_num_seqs`).
  public var maxSequences: Int
  /// Tokens in a KV block.
  public var kvBlockSize: Int
  /// Blocks of the KV pool that requests may hold.
  public var kvBlocks: Int
  /// Whether blocks of earlier requests are reused by prefix.
  public var prefixCaching: Bool
  /// Whether step n + 1 is scheduled before step n's tokens return.
  public var asyncScheduling: Bool
  /// Most prompt tokens of one request per step; 0 for no limit (`long_prefill_token_threshold`).
  public var longPrefillTokenThreshold: Int
  /// Whether a waiting request must fit its whole prompt in free blocks before it starts
  /// (`scheduler_reserve_full_isl`, vLLM since 2026-03).
  public var reservesFullPrompt: Bool
  /// Rules of the scheduler that depend on the release or that an option switches on.
  public var rules: SchedulerRules
  /// How steps are captured and padded.
  public var graphs: CUDAGraphs
  /// Tokens that are proposed per request and step, which is not modelled; kernels' rules look at it.
  public var speculativeTokens: Int
  /// What its process has executed before; `nil` where unknown.
  public var warmUp: ServedSizes?

  /// An engine; counts are at least 1.
  public init(
    name: String, model: ModelShape, tensorParallel: Int = 1, smCount: Int,
    maxBatchedTokens: Int = 8192, maxSequences: Int = 1024, kvBlockSize: Int = 16, kvBlocks: Int,
    prefixCaching: Bool = true, asyncScheduling: Bool = true, longPrefillTokenThreshold: Int = 0,
    reservesFullPrompt: Bool = true, rules: SchedulerRules = .newest, graphs: CUDAGraphs,
    speculativeTokens: Int = 0, warmUp: ServedSizes? = nil
  ) {
    self.name = name
    self.model = model
    self.tensorParallel = tensorParallel
    self.smCount = smCount
    self.maxBatchedTokens = maxBatchedTokens
    self.maxSequences = maxSequences
    self.kvBlockSize = kvBlockSize
    self.kvBlocks = kvBlocks
    self.prefixCaching = prefixCaching
    self.asyncScheduling = asyncScheduling
    self.longPrefillTokenThreshold = longPrefillTokenThreshold
    self.reservesFullPrompt = reservesFullPrompt
    self.rules = rules
    self.graphs = graphs
    self.speculativeTokens = speculativeTokens
    self.warmUp = warmUp
  }

  /// Its rows, before its first step.
  public var batchRows: BatchRows { BatchRows(isPersistent: rules.hasPersistentBatch) }

  /// The model as one GPU has it.
  public var rankModel: ModelShape { model.perRank(tensorParallel) }

  /// What its process has loaded of a model's output layer as it comes up.
  public func loadedKernels(of layer: OutputLayer) -> LoadedKernels {
    LoadedKernels(
      layer, graphs: graphs, maxSequences: maxSequences, maxBatchedTokens: maxBatchedTokens,
      warmUp: warmUp)
  }

  /// What attention kernels see of it: the heads of one rank.
  public var attentionContext: AttentionContext {
    let rank = rankModel
    return AttentionContext(
      queryHeads: rank.queryHeads, kvHeads: rank.kvHeads, headSize: rank.headSize,
      kvBlockSize: kvBlockSize, smCount: smCount, graphs: graphs,
      maxModelLength: model.maxModelLength, maxSequences: maxSequences,
      speculativeTokens: speculativeTokens)
  }
}
