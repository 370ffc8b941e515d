internal import TraceModel

/// Predicts a step's rows as an engine goes on: each request with its next tokens, those done left out.
///
/// The same in writer and reader. As long as every row has one token and none is at its end, a
/// prediction is the rows before with one more computed token each; `quiet` counts for how many
/// steps that is known to hold, so that those steps never look at the requests.
struct RowPredictor {
  /// The rows of the step: predicted after `predict`, true after `replace`.
  private(set) var rows: [StepRow] = []
  /// Whether every row has one token.
  private(set) var isDecode = true
  /// Requests whose last row was in a step before, with that step's place in the chunk.
  private(set) var done: [Done] = []
  private var next: [StepRow] = []
  private var quiet: Int32 = 0
  private var stepCount = 0
  private let tokenBudget: Int64
  /// Place of each request among the predicted rows, believed only where the row there agrees.
  private var places: [Int32] = []

  /// A request that has had its last row.
  struct Done: Hashable {
    var request: Int32
    /// Tokens it held.
    var kvLength: Int32
    /// Place in the chunk of the step with its last row.
    var step: Int
  }

  /// A prediction of no rows; a budget of 0 is none.
  init(tokenBudget: Int64) { self.tokenBudget = tokenBudget == 0 ? .max : tokenBudget }

  /// Moves on to the next step and predicts its rows.
  @inline(__always)
  mutating func predict(_ lengths: [RequestLengths]) {
    stepCount += 1
    if let last = done.last, last.step < stepCount - 1 - Int(Self.finishLagMax) {
      done.removeAll(keepingCapacity: true)
    }
    if quiet > 0 {
      quiet -= 1
      var span = rows.mutableSpan
      for index in span.indices { span[index].computed.rawValue &+= 1 }
    } else {
      predictSlowly(lengths)
    }
  }

  @inline(never)
  private mutating func predictSlowly(_ lengths: [RequestLengths]) {
    if !done.isEmpty { done.removeAll { $0.step < stepCount - 1 - Int(Self.finishLagMax) } }
    next.removeAll(keepingCapacity: true)
    var tokens: Int64 = 0
    var left = Int32.max
    isDecode = true
    for row in rows {
      let request = lengths[Int(row.request)]
      let length = row.kvLength.rawValue
      guard length < request.end else {
        done.append(Done(request: row.request, kvLength: length, step: stepCount - 2))
        continue
      }
      let query = Self.query(request, computed: length, budget: tokenBudget - tokens)
      if query != 1 { isDecode = false }
      // A single token of a longer prompt is not followed by another of the same kind.
      left = min(left, length + 1 >= request.prompt ? request.end - length - 1 : 0)
      tokens += Int64(query)
      next.append(
        StepRow(
          request: row.request, computed: row.kvLength, queryLength: TokenCount(query)))
    }
    swap(&rows, &next)
    quiet = isDecode && !rows.isEmpty ? left : 0
  }

  /// The most steps that a request may be done before it is reported.
  static let finishLagMax: Int64 = 3

  /// New tokens of a row: the rest of the prompt as far as the budget reaches, then one at a time.
  @inline(__always)
  private static func query(
    _ request: RequestLengths, computed: Int32, budget: Int64
  ) -> Int32 {
    guard computed < request.prompt else { return 1 }
    return Int32(max(1, min(Int64(request.prompt - computed), budget)))
  }

  /// New tokens expected of a row behind `tokens` others in the step.
  func expectedQuery(_ request: RequestLengths, computed: Int32, after tokens: Int64) -> Int32 {
    Self.query(request, computed: computed, budget: tokenBudget - tokens)
  }

  /// Takes rows that differ from the prediction; the array given is left with the old ones' storage.
  mutating func replace(with other: inout [StepRow]) {
    swap(&rows, &other)
    quiet = 0
    isDecode = rows.allSatisfy { $0.queryLength.rawValue == 1 }
  }

  /// Makes `predictedPlace` know the rows as they are now.
  mutating func indexRows(requestCount: Int) {
    if places.count < requestCount {
      places.append(contentsOf: repeatElement(-1, count: requestCount - places.count))
    }
    for (place, row) in rows.enumerated() { places[Int(row.request)] = Int32(place) }
  }

  /// The place among the rows of a request, after `indexRows`; the last one where it has several.
  func predictedPlace(of request: Int32) -> Int? {
    let place = Int(places[Int(request)])
    return rows.indices.contains(place) && rows[place].request == request ? place : nil
  }

  /// Requests whose last row was `lag` steps before this one.
  func finished(lag: Int) -> [Int32] {
    done.isEmpty ? [] : done.lazy.filter { $0.step == stepCount - 1 - lag }.map(\.request)
  }

  /// Requests that have had their last row and are not yet reported finished, `lag` being the steps
  /// between the two.
  func pending(lag: Int) -> some Sequence<Done> {
    done.lazy.filter { $0.step > stepCount - 1 - lag }
  }

  /// How many those are.
  func pendingCount(lag: Int) -> Int64 { pending(lag: lag).reduce(0) { count, _ in count + 1 } }

  /// KV blocks that the step's rows and the requests not yet reported hold.
  func usedBlocks(blockSize: Int64, lag: Int) -> Int64 {
    guard blockSize > 0 else { return 0 }
    var blocks: Int64 = 0
    for row in rows { blocks += (Int64(row.kvLength.rawValue) + blockSize - 1) / blockSize }
    for request in pending(lag: lag) {
      blocks += (Int64(request.kvLength) + blockSize - 1) / blockSize
    }
    return blocks
  }
}
