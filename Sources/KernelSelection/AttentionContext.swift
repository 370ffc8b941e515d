internal import TraceModel

/// What a kernel launch depends on beside the batch: heads of one GPU, KV blocks, the GPU, graphs.
public struct AttentionContext: Hashable, Sendable {
  /// Query heads on one tensor-parallel rank.
  public var queryHeads: Int
  /// KV heads on one tensor-parallel rank.
  public var kvHeads: Int
  /// Elements of a head.
  public var headSize: Int
  /// Tokens in a KV block.
  public var kvBlockSize: Int
  /// Streaming multiprocessors of the GPU.
  public var smCount: Int
  /// How steps are captured and padded.
  public var graphs: CUDAGraphs
  /// Tokens of the longest request that the engine takes, which its graphs are captured for; `nil` where
  /// that is not known.
  public var maxModelLength: Int?
  /// Requests that may run at once; `nil` where that is not known.
  public var maxSequences: Int?
  /// Tokens that are proposed per request and step; 0 without speculative decoding.
  public var speculativeTokens: Int

  /// A context; every number but the last is at least 1.
  public init(
    queryHeads: Int, kvHeads: Int, headSize: Int, kvBlockSize: Int = 16, smCount: Int,
    graphs: CUDAGraphs, maxModelLength: Int? = nil, maxSequences: Int? = nil,
    speculativeTokens: Int = 0
  ) {
    self.queryHeads = queryHeads
    self.kvHeads = kvHeads
    self.headSize = headSize
    self.kvBlockSize = kvBlockSize
    self.smCount = smCount
    self.graphs = graphs
    self.maxModelLength = maxModelLength
    self.maxSequences = maxSequences
    self.speculativeTokens = speculativeTokens
  }

  /// Query heads that share one KV head.
  public var queryHeadsPerKVHead: Int { max(1, queryHeads / kvHeads) }

  /// Whether the cache holds latent vectors (MLA): one head of 512 latent and 64 rotary elements.
  public var isLatent: Bool { kvHeads == 1 && headSize == Self.latentHeadSize }
  /// Elements of a latent cache's only head.
  public static let latentHeadSize = latentSize + 64
  /// Elements of it that are values too, and of an output's head.
  public static let latentSize = 512
}

/// vLLM's CUDA-graph modes, by its own names.
public enum CUDAGraphMode: String, Hashable, Sendable, CaseIterable {
  /// No graphs.
  case none = "NONE"
  /// Graphs around attention, which runs eagerly and unpadded.
  case piecewise = "PIECEWISE"
  /// One graph for every step, padded.
  case full = "FULL"
  /// One graph for steps of decode rows alone, none for others.
  case fullDecodeOnly = "FULL_DECODE_ONLY"
  /// One graph for steps of decode rows alone, piecewise for others; the default since 0.11.
  case fullAndPiecewise = "FULL_AND_PIECEWISE"

  /// Whether a step of decode rows alone is one graph, attention included.
  public var capturesDecodeSteps: Bool {
    switch self {
    case .none, .piecewise: false
    case .full, .fullDecodeOnly, .fullAndPiecewise: true
    }
  }
}

/// How an engine captures steps as CUDA graphs, and so how batches are padded.
public struct CUDAGraphs: Hashable, Sendable {
  /// The mode.
  public var mode: CUDAGraphMode
  /// Token counts captured, ascending.
  public var captureSizes: [Int]

  /// Graphs of a mode at given sizes, which are sorted here.
  public init(mode: CUDAGraphMode, captureSizes: [Int]) {
    self.mode = mode
    self.captureSizes = captureSizes.sorted()
  }

  /// The smallest captured size that holds `tokens`; `nil` where none does.
  public func captureSize(for tokens: Int) -> Int? {
    let place = captureSizes.partitioningIndex { $0 >= tokens }
    return place < captureSizes.count ? captureSizes[place] : nil
  }
}

/// How the host launches one step.
public enum StepLaunch: Hashable, Sendable {
  /// One graph; attention sees the padded rows.
  case fullGraph(paddedTokens: Int)
  /// Graphs between attention calls; attention sees the batch as it is, the rest is padded.
  case piecewise(paddedTokens: Int)
  /// Kernel by kernel, nothing padded.
  case eager(tokens: Int)

  /// Tokens that projections and MLP compute on, padding included.
  public var tokens: Int {
    switch self {
    case .fullGraph(let tokens), .piecewise(let tokens), .eager(let tokens): tokens
    }
  }

  /// Whether the whole step is one graph.
  public var isFullGraph: Bool { if case .fullGraph = self { true } else { false } }
}
