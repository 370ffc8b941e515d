/// Numbers from 1 to 8,192, of rows or tokens of steps.
///
/// As text, in headers and profiles, they ascend, and those that follow one another are told by the first and
/// the last: `1-31,85`.
public struct SizeSet: Hashable, Sendable {
  /// The greatest number; greater ones are left out.
  public static let most = 8192
  private static let wordBits = 64

  /// A bit for each number, the first for zero.
  private var bits = [UInt64](repeating: 0, count: most / wordBits + 1)

  /// None.
  public init() {}

  /// All up to a number.
  public init(upTo last: Int) {
    for size in stride(from: 1, through: min(last, Self.most), by: 1) { insert(size) }
  }

  /// What a text tells; `nil` where it does not ascend from 1 to `most` at the most, or tells something else.
  public init?(text: String) {
    var last = 0
    for part in text.split(separator: ",", omittingEmptySubsequences: false) where !text.isEmpty {
      let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
      guard (1...2).contains(ends.count), let low = ends[0], let high = ends[ends.count - 1],
        low > last, high >= low, high <= Self.most
      else { return nil }
      for size in low...high { insert(size) }
      last = high
    }
  }

  /// Adds a number.
  public mutating func insert(_ size: Int) {
    guard (1...Self.most).contains(size) else { return }
    bits[size / Self.wordBits] |= 1 << UInt64(size % Self.wordBits)
  }

  /// Adds all of another.
  public mutating func formUnion(_ other: SizeSet) {
    for word in bits.indices { bits[word] |= other.bits[word] }
  }

  /// Whether a number is in it.
  public func contains(_ size: Int) -> Bool {
    (1...Self.most).contains(size)
      && bits[size / Self.wordBits] >> UInt64(size % Self.wordBits) & 1 == 1
  }

  /// Whether some number is in both.
  public func intersects(_ other: SizeSet) -> Bool {
    zip(bits, other.bits).contains { $0 & $1 != 0 }
  }

  /// All of them, ascending.
  public var sizes: [Int] { (1...Self.most).filter(contains) }

  /// Them as text.
  public var text: String {
    var ranges: [ClosedRange<Int>] = []
    for size in sizes {
      if let last = ranges.last, last.upperBound == size - 1 {
        ranges[ranges.count - 1] = last.lowerBound...size
      } else {
        ranges.append(size...size)
      }
    }
    return ranges.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }
      .joined(separator: ",")
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
