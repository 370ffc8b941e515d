/// The sizes of launches in pieces that a process has met, in tiles of 8 tokens.
///
/// cuBLAS chooses among kernels for matrix products by tiles in steps of 8 tokens, and a process loads each
/// when it first uses it; there are some 200, so late new sizes find theirs loaded. On two machines steps
/// of 1,000 tokens and more were no longer slower after 45 sizes, shorter ones little after 60
/// (`ACCURACY.md`).
public struct LaunchedSizes: Hashable, Sendable {
  private var tiles: Set<Int> = []

  private static let tileTokens = 8
  /// Sizes after which everything is loaded.
  private static let sizesMax = 64

  /// None.
  public init() {}

  /// Notes a launch, and says whether its process loads something for it.
  public mutating func isNew(tokens: Int) -> Bool {
    guard tiles.count < Self.sizesMax else { return false }
    return tiles.insert((tokens + Self.tileTokens - 1) / Self.tileTokens).inserted
  }
}
