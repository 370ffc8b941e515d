/// The numbers of rows for which a process has computed the output layer, in tiles of 8.
///
/// That product, of hidden states and vocabulary, stands outside all graphs, and cuBLAS has a kernel for
/// each tile of 8 rows. A process loads a kernel at its first launch, and loading one waits until the GPU
/// has done all that was launched before: the whole step. Those of few rows are the kernels of other
/// products, too, and are loaded with the graphs that have them (`ACCURACY.md`).
public struct OutputLayerSizes: Sendable {
  private var tiles: Set<Int> = []

  private static let tileRows = 8

  /// Those of graphs alone.
  public init() {}

  /// Notes a step of so many rows beyond those of the largest graph, zero where there is one for it,
  /// and says whether its launch waits for its end.
  public mutating func waits(rowsBeyondGraphs rows: Int) -> Bool {
    rows > 0 && tiles.insert((rows + Self.tileRows - 1) / Self.tileRows).inserted
  }
}
