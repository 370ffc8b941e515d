import ArgumentParser
import TraceModel

/// Options that choose part of a workload.
struct WorkloadOptions: ParsableArguments {
  @Option(
    help: "Take requests that arrive (of recorded batches: steps scheduled) from this second on.")
  var from: Double?

  @Option(help: "Take requests that arrive (or steps scheduled) before this second.")
  var to: Double?

  @Option(help: "How many times faster requests arrive: 2 halves every gap.")
  var timeScale: Double = 1

  @Option(help: "Take at most so many requests, from the start of the window.")
  var maxRequests: Int?

  func validate() throws {
    for (name, value) in [("--from", from), ("--to", to)] {
      guard let value else { continue }
      guard value >= 0, Nanoseconds(seconds: value) != nil else {
        throw ValidationError("\(name) is a time in seconds from the trace's start, 0 or more")
      }
    }
    if let from, let to, to <= from {
      throw ValidationError("--to must lie after --from; the window is empty")
    }
    let scales = WorkloadSelection.timeScales
    guard scales.contains(timeScale) else {
      throw ValidationError(
        "--time-scale must lie between \(scales.lowerBound) and \(Int(scales.upperBound))")
    }
    if let maxRequests, maxRequests < 1 {
      throw ValidationError("--max-requests must be at least 1")
    }
  }

  /// The choice as a value.
  var selection: WorkloadSelection {
    WorkloadSelection(
      from: from.flatMap { Nanoseconds(seconds: $0) }, to: to.flatMap { Nanoseconds(seconds: $0) },
      timeScale: timeScale, maxRequests: maxRequests)
  }
}

extension WorkloadSelection {
  /// The choice in words, such as `arrivals from 10.0 s to 20.0 s`; empty for everything.
  ///
  /// - `what`: what a window chooses from
  func words(of what: String = "arrivals") -> String {
    var parts: [String] = []
    if let from { parts.append("from \(from.seconds) s") }
    if let to { parts.append("to \(to.seconds) s") }
    if let maxRequests { parts.append("at most \(maxRequests) requests") }
    let window = parts.isEmpty ? "" : what + " " + parts.joined(separator: " ")
    guard timeScale != 1 else { return window }
    return (window.isEmpty ? what + " " : window + ", ") + "\(timeScaleText) times as fast"
  }

  /// Four digits tell scales apart that are quotients of two rates.
  private var timeScaleText: String {
    var unit = 1.0
    while timeScale * unit < 1e3 { unit *= 10 }
    return "\((timeScale * unit).rounded() / unit)"
  }
}
