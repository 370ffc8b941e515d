/// A point or a length of virtual time, in integer nanoseconds.
///
/// Points count from the trace's time zero (its header says what that is); arithmetic never rounds.
public struct Nanoseconds: Hashable, Comparable, Sendable {
  /// The count of nanoseconds; negative before time zero.
  public var rawValue: Int64

  /// Wraps a count of nanoseconds.
  @inlinable
  public init(_ rawValue: Int64) { self.rawValue = rawValue }

  /// Rounds half away from zero to the nearest nanosecond; `nil` where the value does not fit.
  @inlinable
  public init?(seconds: Double) {
    let scaled = (seconds * 1e9).rounded()
    guard scaled.isFinite, scaled.magnitude < 9.2e18 else { return nil }
    rawValue = Int64(scaled)
  }

  /// No time at all, and the time zero of a trace.
  public static let zero = Nanoseconds(0)

  /// The value in seconds, for print and for floating-point formulas.
  @inlinable
  public var seconds: Double { Double(rawValue) / 1e9 }

  /// The value in milliseconds.
  @inlinable
  public var milliseconds: Double { Double(rawValue) / 1e6 }

  /// The value in microseconds.
  @inlinable
  public var microseconds: Double { Double(rawValue) / 1e3 }

  /// Orders by time.
  @inlinable
  public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }

  /// Moves a point by a length, or adds two lengths.
  @inlinable
  public static func + (a: Self, b: Self) -> Self { Self(a.rawValue + b.rawValue) }

  /// The length between two points.
  @inlinable
  public static func - (a: Self, b: Self) -> Self { Self(a.rawValue - b.rawValue) }

  /// Repeats a length.
  @inlinable
  public static func * (a: Self, times: Int) -> Self { Self(a.rawValue * Int64(times)) }

  /// Moves a point in place.
  @inlinable
  public static func += (a: inout Self, b: Self) { a.rawValue += b.rawValue }
}

/// A number of tokens: of a prompt, a context, or a step.
public struct TokenCount: Hashable, Comparable, Sendable {
  /// The count; 32 bits because columns of it are stored per row of every step.
  public var rawValue: Int32

  /// Wraps a count of tokens.
  @inlinable
  public init(_ rawValue: Int32) { self.rawValue = rawValue }

  /// No tokens.
  public static let zero = TokenCount(0)

  /// The count as a machine integer.
  @inlinable
  public var value: Int { Int(rawValue) }

  /// Orders by count.
  @inlinable
  public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }

  /// Adds two counts.
  @inlinable
  public static func + (a: Self, b: Self) -> Self { Self(a.rawValue + b.rawValue) }

  /// The tokens left when some are taken away.
  @inlinable
  public static func - (a: Self, b: Self) -> Self { Self(a.rawValue - b.rawValue) }

  /// Adds in place.
  @inlinable
  public static func += (a: inout Self, b: Self) { a.rawValue += b.rawValue }
}

/// A number of bytes, of memory or of a file.
public struct ByteCount: Hashable, Comparable, Sendable {
  /// The count.
  public var rawValue: Int64

  /// Wraps a count of bytes.
  @inlinable
  public init(_ rawValue: Int64) { self.rawValue = rawValue }

  /// Orders by size.
  @inlinable
  public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
}

/// A request's number as its engine or its trace's publisher gave it; unique within a trace.
public struct RequestID: Hashable, Comparable, Sendable {
  /// The number.
  public var rawValue: Int64

  /// Wraps a number.
  @inlinable
  public init(_ rawValue: Int64) { self.rawValue = rawValue }

  /// Orders by number.
  @inlinable
  public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
}
