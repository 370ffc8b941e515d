public import TraceModel

/// What `trace info` says: counts, duration, and the header.
public struct TraceInformation: Sendable {
  private let name: String
  private let header: TraceHeader
  private let counts: [(key: String, value: Int)]
  private let duration: Nanoseconds

  /// A trace's counts under the keys that the result has, and its header.
  public init(
    name: String, header: TraceHeader, counts: [(key: String, value: Int)], duration: Nanoseconds
  ) {
    self.name = name
    self.header = header
    self.counts = counts
    self.duration = duration
  }

  /// The counts, then the header's own members, one a line.
  public func text() -> String {
    var lines = [("trace", name)]
    lines += counts.map { ($0.key, NumberText.grouped($0.value)) }
    lines.append(("duration_s", NumberText.fixed(duration.seconds, places: 3)))
    lines += header.members.flatMap { Self.lines(of: $0) }
    let width = (lines.map(\.0.count).max() ?? 0) + 2
    return lines.map { key, value in
      key + String(repeating: " ", count: width - key.count) + value + "\n"
    }.joined()
  }

  /// An object of the counts, `duration_s` and the header.
  public func json() -> JSONValue {
    .object(
      [.init("trace", .string(name))]
        + counts.map { .init($0.key, .integer(Int64($0.value))) }
        + [
          .init("duration_s", .number(duration.seconds)),
          .init("header", .object(header.members)),
        ])
  }

  private static func lines(of member: JSONValue.Member) -> [(String, String)] {
    switch member.value {
    case .object(let members):
      members.map { ("\(member.key).\($0.key)", words(of: $0.value)) }
    default: [(member.key, words(of: member.value))]
    }
  }

  private static func words(of value: JSONValue) -> String {
    value.string ?? value.text()
  }
}
