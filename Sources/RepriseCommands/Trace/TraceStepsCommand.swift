import ArgumentParser
import TraceFile
import TraceModel

/// `reprise trace steps`: the batches of a trace, one line each.
struct TraceStepsCommand: ConsoleCommand {
  static let configuration = CommandConfiguration(
    commandName: "steps", abstract: "List the steps of a trace: when, how long, which batch.")

  @Argument(help: "The trace.")
  var trace: String

  @Option(help: "List steps scheduled from this second on.")
  var from: Double?

  @Option(help: "List steps scheduled before this second.")
  var to: Double?

  @Option(help: "List at most so many steps.")
  var first: Int?

  func validate() throws {
    for value in [from, to] {
      guard let value else { continue }
      guard Nanoseconds(seconds: value) != nil else {
        throw ValidationError("--from and --to are times in seconds")
      }
    }
    if let first, first < 1 { throw ValidationError("--first must be at least 1") }
  }

  func run(on console: Console) throws {
    let reader = try TraceReader(path: trace)
    guard reader.stepCount > 0 else {
      throw CommandError.failed(
        "'\(trace)' holds arrivals alone, no steps; see 'reprise trace info'")
    }
    var steps =
      from == nil && to == nil
      ? try reader.steps()
      : try reader.steps(
        between: from.flatMap { Nanoseconds(seconds: $0) } ?? Nanoseconds(.min),
        and: to.flatMap { Nanoseconds(seconds: $0) } ?? Nanoseconds(.max))
    var output = BufferedOutput(console.output)
    try output.append(Self.heading)
    var step = TraceStep()
    var left = first ?? .max
    while left > 0, try steps.next(into: &step) {
      try output.append(Self.line(step))
      left -= 1
    }
    try output.flush()
  }

  private static let columns: [(heading: String, width: Int)] = [
    ("step", 9), ("scheduled s", 12), ("output s", 12), ("gpu ms", 9), ("rows", 6),
    ("tokens", 7), ("mean kv", 8), ("max kv", 8), ("waiting", 8), ("preempted", 10),
  ]

  private static let heading = row(columns.map(\.heading))

  private static func line(_ step: TraceStep) -> String {
    var tokens = 0
    var total = 0
    var longest = 0
    for row in step.rows {
      tokens += row.queryLength.value
      total += row.kvLength.value
      longest = max(longest, row.kvLength.value)
    }
    return row([
      "\(step.number)", DecimalText.fixed(step.scheduleStart, places: 6),
      step.output.map { DecimalText.fixed($0, places: 6) } ?? "-",
      step.gpuTime.map { DecimalText.fixed(Nanoseconds($0.rawValue * 1000), places: 3) } ?? "-",
      "\(step.rows.count)", "\(tokens)", "\(step.rows.isEmpty ? 0 : total / step.rows.count)",
      "\(longest)", step.waiting.map { "\($0)" } ?? "-", "\(step.preempted.count)",
    ])
  }

  private static func row(_ cells: [String]) -> String {
    var line = ""
    for (cell, column) in zip(cells, columns) {
      line += String(repeating: " ", count: max(1, column.width - cell.count)) + cell
    }
    return line + "\n"
  }
}

/// Times with a fixed number of places, for columns.
enum DecimalText {
  /// Seconds with up to nine places, cut rather than rounded, so that columns never disagree.
  static func fixed(_ time: Nanoseconds, places: Int) -> String {
    let magnitude = time.rawValue.magnitude
    let digits = String(magnitude % 1_000_000_000)
    let fraction = String(repeating: "0", count: 9 - digits.count) + digits
    let sign = time.rawValue < 0 ? "-" : ""
    return "\(sign)\(magnitude / 1_000_000_000).\(fraction.prefix(places))"
  }
}
