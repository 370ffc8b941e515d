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
