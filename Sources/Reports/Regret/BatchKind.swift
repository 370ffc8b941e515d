public import KernelSelection

/// What a batch is made of, as far as kernels care.
public enum BatchKind: String, Hashable, Sendable, CaseIterable {
  /// Single-token rows alone.
  case decode
  /// A few tokens in a row at most, as speculative decoding verifies them or a prompt ends.
  case shortRows = "rows of up to 8 tokens"
  /// Prompts beside single-token rows.
  case mixed = "prompts beside decode"
  /// Prompts alone.
  case prompts = "prompts alone"

  /// The kind of a batch.
  public init(_ batch: BatchSummary) {
    if batch.isSingleTokenOnly {
      self = .decode
    } else if batch.maxQueryLength <= 8 {
      self = .shortRows
    } else {
      self = batch.multiTokenRows < batch.rows ? .mixed : .prompts
    }
  }
}

/// A number of a batch in classes that a table has room for.
public enum BatchDimension: String, Hashable, Sendable, CaseIterable {
  /// Rows without padding.
  case rows
  /// The longest row, in tokens to attend to.
  case longestRow = "longest row"
  /// Longest row over mean row.
  case skew

  /// Upper ends of all classes but the last, each within its class.
  private var bounds: [Double] {
    switch self {
    case .rows: [1, 4, 8, 16, 32, 64, 128, 256]
    case .longestRow: [512, 1024, 2048, 4096, 8192, 16384, 32768, 65536]
    case .skew: [1.25, 2, 4, 8]
    }
  }

  /// How many classes there are.
  public var count: Int { bounds.count + 1 }

  /// The class of a batch.
  public func place(of batch: BatchSummary) -> Int {
    let value =
      switch self {
      case .rows: Double(batch.rows)
      case .longestRow: Double(batch.maxKVLength)
      case .skew: batch.skew
      }
    return bounds.firstIndex { value <= $0 } ?? bounds.count
  }

  /// A class in words, such as `9 to 16` or `over 65,536`.
  public func words(_ place: Int) -> String {
    guard place < bounds.count else { return "over " + text(bounds[bounds.count - 1]) }
    guard place > 0 else { return (self == .rows ? "" : "up to ") + text(bounds[0]) }
    if self == .skew { return "\(text(bounds[place - 1])) to \(text(bounds[place]))" }
    return "\(text(bounds[place - 1] + 1)) to \(text(bounds[place]))"
  }

  private func text(_ bound: Double) -> String {
    Int(exactly: bound).map { NumberText.grouped($0) } ?? "\(bound)"
  }
}

/// Batches that are alike: one kind, one class along each dimension.
public struct BatchGroup: Hashable, Comparable, Sendable {
  /// What they are made of.
  public let kind: BatchKind
  /// Their class along each dimension, in the order of `BatchDimension.allCases`.
  public let places: [Int]

  /// The group of a batch.
  public init(_ batch: BatchSummary) {
    kind = BatchKind(batch)
    places = BatchDimension.allCases.map { $0.place(of: batch) }
  }

  private var order: [Int] { [BatchKind.allCases.firstIndex(of: kind) ?? 0] + places }

  /// Orders as tables list them.
  public static func < (a: Self, b: Self) -> Bool { a.order.lexicographicallyPrecedes(b.order) }
}
