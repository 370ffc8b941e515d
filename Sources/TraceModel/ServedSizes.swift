/// Numbers from 1 to 1,024, as a trace's header lists them: `[[1,31],[85,85]]`, each the first and last of some that follow one another.
public struct SizeSet: Hashable, Sendable {
  /// The greatest number; greater ones are left out.
  public static let most = 1024
  private static let wordBits = 64

  /// A bit for each number, the first for zero.
  private var bits = [UInt64](repeating: 0, count: most / wordBits + 1)

  /// None.
  public init() {}

  /// All up to a number.
  public init(upTo last: Int) {
    for size in stride(from: 1, through: last, by: 1) { insert(size) }
  }

  /// What a header lists; `nil` where that is no such list.
  public init?(json: JSONValue) {
    guard case .array(let ranges) = json else { return nil }
    for range in ranges {
      guard case .array(let ends) = range, ends.count == 2, let first = ends[0].int,
        let last = ends[1].int, first >= 1, first <= last, last <= Self.most
      else { return nil }
      for size in first...last { insert(size) }
    }
  }

  /// Adds a number; whether it was new.
  @discardableResult
  public mutating func insert(_ size: Int) -> Bool {
    guard (1...Self.most).contains(size), !contains(size) else { return false }
    bits[size / Self.wordBits] |= 1 << UInt64(size % Self.wordBits)
    return true
  }

  /// Whether a number is in it.
  public func contains(_ size: Int) -> Bool {
    (1...Self.most).contains(size)
      && bits[size / Self.wordBits] >> UInt64(size % Self.wordBits) & 1 == 1
  }

  /// All of them, ascending.
  public var sizes: [Int] { (1...Self.most).filter(contains) }

  /// As a header lists them.
  public var json: JSONValue {
    var ranges: [ClosedRange<Int>] = []
    for size in sizes {
      if let last = ranges.last, last.upperBound == size - 1 {
        ranges[ranges.count - 1] = last.lowerBound...size
      } else {
        ranges.append(size...size)
      }
    }
    return .array(
      ranges.map { .array([.integer(Int64($0.lowerBound)), .integer(Int64($0.upperBound))]) })
  }
}

/// Sizes of the steps that an engine's process has executed, which decide what it has loaded.
public struct ServedSizes: Hashable, Sendable {
  /// Numbers of rows.
  public var rows: SizeSet
  /// Numbers of tokens.
  public var tokens: SizeSet

  /// Sizes of steps; none where they are not given.
  public init(rows: SizeSet = SizeSet(), tokens: SizeSet = SizeSet()) {
    self.rows = rows
    self.tokens = tokens
  }

  /// The header's keys for what a process has executed before the trace.
  public static var keys: [(key: String, path: WritableKeyPath<ServedSizes, SizeSet>)] {
    [("warmed_up_rows", \.rows), ("warmed_up_tokens", \.tokens)]
  }
}
