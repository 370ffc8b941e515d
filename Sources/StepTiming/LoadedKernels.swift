public import KernelSelection
public import TraceModel

/// What an engine's process has loaded: the layers' kernels by sizes (`LaunchedSizes`), and the output
/// layer's one by one.
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
  private var launchedSizes = LaunchedSizes()
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
    for tokens in warmUp?.tokens.sizes ?? [] where tokens > sizes.last ?? 0 {
      _ = launchedSizes.isNew(tokens: tokens)
    }
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

  /// Notes a launch in pieces, and says whether kernels of its layers are loaded for it.
  public mutating func isNewSize(tokens: Int) -> Bool { launchedSizes.isNew(tokens: tokens) }

  private func kernel(rows: Int) -> Int {
    layer == .unknown ? (rows + Self.tileRows - 1) / Self.tileRows : layer.kernel(rows: rows)
  }
}
