import TraceModel

@testable import EngineSimulation

/// Checks a rescheduled replay against the numbered list of INVARIANTS.md.
struct ReplayInvariants {
  let requests: [TraceRequest]
  let engine: EngineModel
  let outcome: ReplayOutcome
  let steps: [TraceStep]

  /// What is violated, each line with the invariant's number; empty where all is well.
  var violations: [String] {
    buckets + clock + rows + tokens + order + arithmetic
  }

  private func check(_ number: Int, _ isTrue: Bool, _ message: @autoclosure () -> String)
    -> [String]
  {
    isTrue ? [] : ["invariant \(number): \(message())"]
  }

  /// 1: every request ends in exactly one bucket, and that is not `cutByWindow`.
  private var buckets: [String] {
    check(1, outcome.requests.count == requests.count, "requests are missing")
      + zip(requests, outcome.requests).flatMap { request, end in
        check(
          1, end.end == (engine.canServe(request) ? .finished : .tooLong),
          "request \(request.id.rawValue) ended as \(end.end)")
          + check(
            1, end.end == .finished || (end.tokenRuns.isEmpty && end.scheduled == nil),
            "request \(request.id.rawValue) was refused and ran")
      }
  }

  /// 2: the clock never goes back.
  private var clock: [String] {
    check(2, outcome.outputs == outcome.outputs.sorted(), "outputs go back")
      + zip(steps, steps.dropFirst()).flatMap { before, after in
        check(2, before.scheduleStart <= after.scheduleStart, "step \(after.number) is early")
          + check(2, before.number < after.number, "step \(after.number) is out of order")
      }
      + steps.flatMap { step in
        check(
          2, step.output.map { step.scheduleEnd <= $0 } ?? false,
          "step \(step.number) is answered before it is scheduled")
      }
  }

  /// 5, 6, 7: the budget, the places, and no request twice.
  private var rows: [String] {
    steps.flatMap { step in
      let tokens = step.rows.reduce(0) { $0 + $1.queryLength.value }
      return check(5, (1...engine.maxBatchedTokens).contains(tokens), "\(tokens) tokens")
        + check(6, (1...engine.maxSequences).contains(step.rows.count), "\(step.rows.count) rows")
        + check(
          7, Set(step.rows.map(\.request)).count == step.rows.count, "twice in \(step.number)")
        + check(
          3, (0...engine.kvBlocks).contains(Int(step.freeKVBlocks ?? -1)),
          "free blocks in step \(step.number)")
    }
  }

  /// 8: a finished request has exactly its tokens, each in a step that has the row for it.
  private var tokens: [String] {
    zip(requests, outcome.requests).enumerated().flatMap { place, pair -> [String] in
      let (request, end) = pair
      guard end.end == .finished else { return [] }
      let places = end.tokenRuns.flatMap { Int($0.firstStep)..<Int($0.firstStep + $0.count) }
      let giving = places.enumerated().allSatisfy { index, step in
        steps[step].rows.contains {
          $0.request == place && $0.kvLength.value == request.promptTokens.value + index
        }
      }
      return check(8, places.count == request.outputTokens.value, "request \(place): \(places)")
        + check(8, places == Array(Set(places)).sorted(), "request \(place) has a step twice")
        + check(8, giving, "request \(place) has a token without its row")
    }
  }

  /// 4: arrival ≤ scheduled ≤ first token ≤ last token.
  private var order: [String] {
    outcome.requests.enumerated().flatMap { place, end -> [String] in
      guard let scheduled = end.scheduled, let first = end.tokenRuns.first,
        let last = end.tokenRuns.last
      else { return check(4, end.end != .finished, "request \(place) has no times") }
      let firstToken = outcome.outputs[Int(first.firstStep)]
      let lastToken = outcome.outputs[Int(last.firstStep + last.count - 1)]
      return check(
        4, end.arrival <= scheduled && scheduled <= firstToken && firstToken <= lastToken,
        "request \(place)")
    }
  }

  /// 9: what was computed is what was asked for.
  private var arithmetic: [String] {
    let counts = outcome.counts
    let wanted = zip(requests, outcome.requests).reduce(0) {
      $0
        + ($1.1.end == .finished
          ? $1.0.promptTokens.value + $1.0.outputTokens.value - 1 : 0)
    }
    let computed = steps.joinedRows.reduce(0) { $0 + $1.queryLength.value }
    return check(9, counts.newTokens == computed, "\(counts.newTokens) and \(computed) tokens")
      + check(
        9, computed == wanted - counts.prefixHitTokens + counts.recomputedTokens,
        "\(computed) computed, \(wanted) wanted, \(counts)")
      + check(9, counts.rows == steps.joinedRows.count, "rows")
      + check(9, counts.steps == steps.count && steps.count == outcome.outputs.count, "steps")
      + check(
        9,
        counts.preemptions == steps.reduce(0) { $0 + $1.preempted.count }
          && counts.preemptions == outcome.requests.reduce(0) { $0 + Int($1.preemptions) },
        "preemptions")
      + check(
        9, outcome.attention + outcome.rest == steps.reduce(.zero) { $0 + ($1.gpuTime ?? .zero) },
        "GPU time")
  }
}

extension [TraceStep] {
  var joinedRows: [StepRow] { flatMap(\.rows) }
}

extension KVBlockPool {
  /// The free blocks in order of reuse, read by taking them all from a copy.
  var freeOrder: [Int32] {
    var copy = self
    let table = copy.open()
    copy.take(freeCount, for: table)
    return copy.blocks(of: table)
  }
}
