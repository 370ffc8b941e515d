public import EngineSimulation
public import TraceModel

/// What a caller of one request saw, from a replay's outcome.
public struct RequestTimes: Hashable, Sendable {
  /// First token minus arrival; `nil` without a first token, or where the recording lost it.
  public var ttft: Nanoseconds?
  /// Last token minus arrival; `nil` unless the request finished.
  public var e2el: Nanoseconds?
  /// `(E2EL − TTFT) / (tokens − 1)`; `nil` unless both are known and there are two tokens.
  public var tpot: Nanoseconds?
  /// Gaps between neighbouring tokens, added up.
  public var gapTotal = Nanoseconds.zero
  /// How many gaps those are.
  public var gapCount = 0
  /// Tokens that reached the caller, those that the recording lost included.
  public var tokens = 0

  /// The mean of this request's own gaps; `nil` without any.
  public var meanITL: Nanoseconds? { gapCount == 0 ? nil : gapTotal.divided(by: gapCount) }

  /// The times of one request, given when each step's tokens came.
  public init(_ request: RequestOutcome, outputs: [Nanoseconds]) {
    var previous: Nanoseconds?
    for run in request.tokenRuns where run.count > 0 {
      let first = outputs[Int(run.firstStep)]
      let last = outputs[Int(run.firstStep) + Int(run.count) - 1]
      if let previous, !run.followsGap {
        gapTotal += first - previous
        gapCount += 1
      } else if previous == nil, !run.followsGap {
        ttft = first - request.arrival
      }
      gapTotal += last - first
      gapCount += Int(run.count) - 1
      tokens += Int(run.count)
      previous = last
    }
    tokens += Int(request.unknownTokens)
    guard request.end == .finished, let previous else { return }
    e2el = previous - request.arrival
    if let ttft, tokens > 1 {
      tpot = (previous - request.arrival - ttft).divided(by: tokens - 1)
    }
  }
}

extension RequestOutcome {
  /// Every gap between two of its tokens in order, but for those that the recording lost.
  ///
  /// - `outputs`: when each step's tokens came
  func gaps(outputs: [Nanoseconds]) -> [Nanoseconds] {
    var gaps: [Nanoseconds] = []
    gaps.reserveCapacity(tokenRuns.reduce(0) { $0 + Int($1.count) })
    var previous: Nanoseconds?
    for run in tokenRuns {
      if run.followsGap { previous = nil }
      for step in Int(run.firstStep)..<Int(run.firstStep) + Int(run.count) {
        if let previous { gaps.append(outputs[step] - previous) }
        previous = outputs[step]
      }
    }
    return gaps
  }
}

extension Nanoseconds {
  /// A length in equal parts, rounded to the nearest nanosecond.
  func divided(by parts: Int) -> Nanoseconds {
    Nanoseconds(Int64((Double(rawValue) / Double(parts)).rounded()))
  }
}
