public import KernelSelection

/// The figures of a batch that classes of batches go by.
public struct BatchShape: Hashable, Sendable {
  /// Rows without padding.
  public var rows: Int
  /// Rows with more than one new token.
  public var multiTokenRows: Int
  /// The most new tokens in a row.
  public var maxQueryLength: Int
  /// The longest row, in tokens to attend to.
  public var maxKVLength: Int
  /// Tokens to attend to over all rows.
  public var totalKVLength: Int

  /// Longest row over mean row; 1 for equal rows, 0 for an empty batch.
  var skew: Double {
    totalKVLength == 0 ? 0 : Double(maxKVLength) * Double(rows) / Double(totalKVLength)
  }
}

extension BatchShape {
  /// The shape of a batch.
  public init(_ batch: BatchSummary) {
    self.init(
      rows: batch.rows, multiTokenRows: batch.multiTokenRows, maxQueryLength: batch.maxQueryLength,
      maxKVLength: batch.maxKVLength, totalKVLength: batch.totalKVLength)
  }
}

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
  public init(_ batch: BatchShape) {
    if batch.multiTokenRows == 0 {
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
  public func place(of batch: BatchShape) -> Int {
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
  /// What they are made of, as a place in `BatchKind.allCases`.
  private let kindPlace: Int8
  private let rows: Int8
  private let longestRow: Int8
  private let skew: Int8

  /// The group of a batch.
  public init(_ batch: BatchShape) {
    kindPlace = Int8(BatchKind.allCases.firstIndex(of: BatchKind(batch)) ?? 0)
    rows = Int8(BatchDimension.rows.place(of: batch))
    longestRow = Int8(BatchDimension.longestRow.place(of: batch))
    skew = Int8(BatchDimension.skew.place(of: batch))
  }

  /// What they are made of.
  public var kind: BatchKind { BatchKind.allCases[Int(kindPlace)] }

  /// Their class along a dimension.
  public func place(along dimension: BatchDimension) -> Int {
    switch dimension {
    case .rows: Int(rows)
    case .longestRow: Int(longestRow)
    case .skew: Int(skew)
    }
  }

  /// The group in words, such as `decode, 9 to 16 rows, longest 16,385 to 32,768, skew 2 to 4`.
  public var words: String {
    let classes = BatchDimension.allCases.map { dimension in
      let words = dimension.words(place(along: dimension))
      return switch dimension {
      case .rows: words + (rows == 0 ? " row" : " rows")
      case .longestRow: "longest \(words)"
      case .skew: "skew \(words)"
      }
    }
    return ([kind.rawValue] + classes).joined(separator: ", ")
  }

  /// Orders as tables list them.
  public static func < (a: Self, b: Self) -> Bool {
    (a.kindPlace, a.rows, a.longestRow, a.skew) < (b.kindPlace, b.rows, b.longestRow, b.skew)
  }
}
