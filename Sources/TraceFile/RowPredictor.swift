internal import TraceModel

/// Predicts a step's rows as an engine goes on: each request with its next token, those done left out.
///
/// The same in writer and reader. A request is done when a row of it reached the last token that is
/// ever computed on, `promptTokens + outputTokens - 1`; while its prompt lasts, the rest of the prompt
/// is predicted.
struct RowPredictor {
  /// The prediction of the next step's rows.
  private(set) var rows: [StepRow] = []
  /// Requests that were done in earlier steps and not yet reported finished, with their step's output.
  private var done: [(request: Int32, output: Int64)] = []
  /// One more than the largest place of a request seen.
  private(set) var nextRequest: Int32 = 0

  /// Takes a step's true rows, all of known requests, and predicts the next step's.
  mutating func advance(_ actual: [StepRow], output: Int64, requests: [TraceRequest]) {
    rows.removeAll(keepingCapacity: true)
    for row in actual {
      nextRequest = max(nextRequest, row.request &+ 1)
      let request = requests[Int(row.request)]
      let length = row.kvLength.rawValue
      let prompt = request.promptTokens.rawValue
      let last = Int64(prompt) + Int64(request.outputTokens.rawValue) - 1
      if Int64(length) >= min(last, Int64(Int32.max)) {
        done.append((row.request, output))
        continue
      }
      rows.append(
        StepRow(
          request: row.request, computed: TokenCount(length),
          queryLength: TokenCount(length < prompt ? prompt - length : 1)))
    }
  }

  /// Requests whose end the scheduler can have seen by `scheduleStart`.
  mutating func finished(by scheduleStart: Int64) -> [Int32] {
    guard !done.isEmpty else { return [] }
    let ready = done.filter { $0.output <= scheduleStart }.map(\.request)
    if !ready.isEmpty { done.removeAll { $0.output <= scheduleStart } }
    return ready
  }

  /// Whether `row` can be in a step: one of so many requests, lengths that fit.
  static func isValid(_ row: StepRow, requestCount: Int) -> Bool {
    (0..<requestCount).contains(Int(row.request)) && row.computed.rawValue >= 0
      && row.queryLength.rawValue >= 1
      && Int64(row.computed.rawValue) + Int64(row.queryLength.rawValue) <= Int64(Int32.max)
  }
}
