/// The rows of one step as an attention kernel sees them: lengths alone, padding included.
///
/// Filled anew for every step; storage is reused. Sums and maxima are kept while rows are appended,
/// because rules look at nothing else; the ascending order, which models of kernels need, is carried
/// from one step to the next where all rows went on by one token, so that it costs no sort.
public struct AttentionBatch: Sendable {
  /// New tokens per row, in the engine's order; padding rows are not stored.
  public private(set) var queryLengths: [Int32] = []
  /// Tokens to attend to per row, new ones included.
  public private(set) var kvLengths: [Int32] = []
  /// What rules look at.
  public private(set) var summary = BatchSummary()
  /// `kvLengths`, shortest first; valid after `orderRows()`.
  public private(set) var ascendingKVLengths: [Int32] = []
  /// The place of each of `ascendingKVLengths` among the rows, of equal ones the first before; valid after
  /// `orderRows()`.
  public private(set) var ascendingRows: [Int32] = []

  /// Where rows are sorted: lengths, and their places behind.
  private var keys: [UInt64] = []
  /// The lengths that `ascendingKVLengths` was made from.
  private var orderedKVLengths: [Int32] = []
  /// Whether these are the rows' still.
  private var isOrdered = true

  /// An empty batch.
  public init() {}

  /// A batch of given rows, padded to `paddedRows` (at least the rows themselves), in order.
  public init(rows: [(queryLength: Int32, kvLength: Int32)], paddedRows: Int = 0) {
    for row in rows { append(queryLength: row.queryLength, kvLength: row.kvLength) }
    pad(to: paddedRows)
    orderRows()
  }

  /// Forgets the rows and keeps their storage.
  public mutating func removeAll() {
    queryLengths.removeAll(keepingCapacity: true)
    kvLengths.removeAll(keepingCapacity: true)
    summary = BatchSummary()
    isOrdered = false
  }

  /// Adds a row of `queryLength` new tokens among `kvLength` in all.
  @inline(__always)
  public mutating func append(queryLength: Int32, kvLength: Int32) {
    queryLengths.append(queryLength)
    kvLengths.append(kvLength)
    isOrdered = false
    summary.include(queryLength: queryLength, kvLength: kvLength)
  }

  /// Pads the launch with empty rows up to `rows`, as a full CUDA graph does; never removes rows.
  public mutating func pad(to rows: Int) {
    summary.paddedRows = max(summary.paddedRows, rows)
  }

  /// Brings `ascendingKVLengths` and `ascendingRows` up to date with the rows.
  public mutating func orderRows() {
    guard !isOrdered else { return }
    isOrdered = true
    if everyRowWentOnByOneToken {
      for index in ascendingKVLengths.indices { ascendingKVLengths[index] &+= 1 }
    } else {
      keys.removeAll(keepingCapacity: true)
      for row in kvLengths.indices {
        keys.append(UInt64(UInt32(bitPattern: kvLengths[row])) << 32 | UInt64(row))
      }
      keys.sort()
      ascendingKVLengths.removeAll(keepingCapacity: true)
      ascendingRows.removeAll(keepingCapacity: true)
      for key in keys {
        ascendingKVLengths.append(Int32(truncatingIfNeeded: key >> 32))
        ascendingRows.append(Int32(truncatingIfNeeded: key))
      }
    }
    orderedKVLengths.removeAll(keepingCapacity: true)
    orderedKVLengths.append(contentsOf: kvLengths)
  }

  private var everyRowWentOnByOneToken: Bool {
    guard !kvLengths.isEmpty, kvLengths.count == orderedKVLengths.count else { return false }
    var differences: Int32 = 0
    for index in kvLengths.indices {
      differences |= kvLengths[index] &- orderedKVLengths[index] &- 1
    }
    return differences == 0
  }
}

/// What selection rules look at: counts, sums and maxima over a batch.
public struct BatchSummary: Hashable, Sendable {
  /// Rows without padding.
  public internal(set) var rows = 0
  /// Rows that the kernel is launched over: graph padding included.
  public internal(set) var paddedRows = 0
  /// New tokens over all rows.
  public internal(set) var tokens = 0
  /// Rows with more than one new token.
  public internal(set) var multiTokenRows = 0
  /// The most new tokens in a row.
  public internal(set) var maxQueryLength = 0
  /// The longest row, in tokens to attend to.
  public internal(set) var maxKVLength = 0
  /// Tokens to attend to over all rows.
  public internal(set) var totalKVLength = 0

  /// The summary of an empty batch.
  public init() {}

  @inline(__always)
  mutating func include(queryLength: Int32, kvLength: Int32) {
    rows += 1
    paddedRows = max(paddedRows, rows)
    tokens += Int(queryLength)
    multiTokenRows += queryLength > 1 ? 1 : 0
    maxQueryLength = max(maxQueryLength, Int(queryLength))
    maxKVLength = max(maxKVLength, Int(kvLength))
    totalKVLength += Int(kvLength)
  }

  /// Whether every row has exactly one new token.
  public var isSingleTokenOnly: Bool { multiTokenRows == 0 }
  /// Mean tokens to attend to per unpadded row; 0 for an empty batch.
  public var meanKVLength: Double { rows == 0 ? 0 : Double(totalKVLength) / Double(rows) }
}
