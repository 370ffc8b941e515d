public import KernelSelection
public import TraceModel

/// Which cuBLAS kernels compute a model's output layer, as `Sources/GPUMeasurement/output_layer.py` finds.
///
/// That product, of hidden states and vocabulary, stands outside all graphs. Kernels differ by the number of
/// rows, mostly in tiles of 8, and products of the layers launch many of them, too.
public struct OutputLayer: Hashable, Sendable {
  /// Rows from a number on, to those of the next part.
  public struct Part: Hashable, Sendable {
    /// The first number of rows.
    public var rows: Int
    /// The kernel, by its place in `layerTokens`.
    public var kernel: Int

    /// The kernel from so many rows on.
    public init(rows: Int, kernel: Int) {
      self.rows = rows
      self.kernel = kernel
    }
  }

  /// Ascending by rows, from one on; empty where nothing is known.
  public let parts: [Part]
  /// By kernel, the numbers of tokens for which a product of the layers launches it.
  public let layerTokens: [SizeSet]

  /// Nothing known.
  public static let unknown = OutputLayer()

  private init() {
    parts = []
    layerTokens = []
  }

  /// An output layer of known kernels; `nil` where parts do not ascend from one row on, or have no kernel.
  public init?(parts: [Part], layerTokens: [SizeSet]) {
    guard parts.first?.rows == 1, zip(parts, parts.dropFirst()).allSatisfy({ $0.rows < $1.rows }),
      parts.allSatisfy({ layerTokens.indices.contains($0.kernel) })
    else { return nil }
    self.parts = parts
    self.layerTokens = layerTokens
  }

  /// The kernel for so many rows, one at least.
  func kernel(rows: Int) -> Int { parts[parts.partitioningIndex { $0.rows > rows } - 1].kernel }

  /// Kernels that the layers launch for some of these numbers of tokens.
  func layerKernels(tokens: SizeSet) -> [Int] {
    layerTokens.indices.filter { layerTokens[$0].intersects(tokens) }
  }

  /// The same for one number.
  func layerKernels(tokens: Int) -> [Int] {
    layerTokens.indices.filter { layerTokens[$0].contains(tokens) }
  }
}

/// The output layer's kernels that an engine's process has loaded.
///
/// A process loads a kernel at its first launch, and loading one waits until the GPU has done all that was
/// launched before. Where the output layer launches a new one, that is the whole step. As it comes up, an
/// engine has launched the layers of its graphs and of a full budget of tokens, and the output layer for
/// all of its sequences; what it serves then adds to these.
///
/// Of a model of which nothing is known, kernels are taken to differ by tiles of 8 rows.
public struct LoadedKernels: Hashable, Sendable {
  private let layer: OutputLayer
  private var loaded: Set<Int> = []
  private var isComplete = false

  private static let tileRows = 8

  /// Those of an engine that has come up.
  ///
  /// - `graphs`: those that it captured
  /// - `maxSequences`, `maxBatchedTokens`: the most rows and tokens of a step
  /// - `warmUp`: what it has served since; where that is not known, as many rows as its largest graph holds,
  ///   or all where it has none
  public init(
    _ layer: OutputLayer, graphs: CUDAGraphs, maxSequences: Int, maxBatchedTokens: Int,
    warmUp: ServedSizes? = nil
  ) {
    self.layer = layer
    let most = max(1, min(maxSequences, maxBatchedTokens))
    let sizes = graphs.mode == .none ? [] : graphs.captureSizes
    let served = warmUp?.rows ?? SizeSet(upTo: sizes.last ?? most)
    for rows in served.sizes where rows <= most { loaded.insert(kernel(rows: rows)) }
    loaded.insert(kernel(rows: most))
    var tokens = warmUp?.tokens ?? SizeSet()
    for size in sizes + [maxBatchedTokens] { tokens.insert(size) }
    loaded.formUnion(layer.layerKernels(tokens: tokens))
  }

  /// Those of an engine that has served steps of any size.
  public init() {
    layer = .unknown
    isComplete = true
  }

  /// Notes a step of so many rows, and says whether its launch waits for its end.
  public mutating func waits(rows: Int, launch: StepLaunch) -> Bool {
    guard rows > 0, !isComplete else { return false }
    if case .eager(let tokens) = launch { loaded.formUnion(layer.layerKernels(tokens: tokens)) }
    return loaded.insert(kernel(rows: rows)).inserted
  }

  private func kernel(rows: Int) -> Int {
    layer == .unknown ? (rows + Self.tileRows - 1) / Self.tileRows : layer.kernel(rows: rows)
  }
}
