public import KernelSelection
public import TraceModel

/// The rows of one step after another, in the order in which the engine's kernels find them.
///
/// vLLM's Model Runner V2 takes the scheduler's order. V1 keeps a *persistent batch*: a request stays in
/// its row from step to step; one that is not scheduled leaves it, one that comes takes the first
/// row that became free, or a new one at the end, and rows that are still free are filled from the
/// end. Where a kernel works on rows in their order, that decides which long ones meet on a
/// multiprocessor.
public struct BatchRows: Sendable {
  /// Whether requests stay in their rows.
  public let isPersistent: Bool

  /// The requests of the last step, in the scheduler's order and by row.
  private var scheduled: [Int32] = []
  private var requests: [Int32] = []
  /// By row, its request's place in the scheduler's order.
  private var order: [Int] = []
  /// Stands for a request where a row has none.
  private static let free: Int32 = -1

  /// The rows of an engine that has no step yet.
  public init(isPersistent: Bool = false) { self.isPersistent = isPersistent }

  /// Puts a step's rows into a batch, instead of what it holds.
  public mutating func fill(_ batch: inout AttentionBatch, with rows: [StepRow]) {
    batch.removeAll()
    guard isPersistent else {
      for row in rows {
        batch.append(queryLength: row.queryLength.rawValue, kvLength: row.kvLength.rawValue)
      }
      return
    }
    move(to: rows)
    for place in order {
      let row = rows[place]
      batch.append(queryLength: row.queryLength.rawValue, kvLength: row.kvLength.rawValue)
    }
  }

  private mutating func move(to rows: [StepRow]) {
    if rows.count == scheduled.count, zip(rows, scheduled).allSatisfy({ $0.request == $1 }) {
      return
    }
    scheduled = rows.map(\.request)
    let places = Dictionary(
      scheduled.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
    let kept = Set(requests)
    for row in requests.indices where places[requests[row]] == nil { requests[row] = Self.free }
    var free = requests.indices.filter { requests[$0] == Self.free }[...]
    for request in scheduled where !kept.contains(request) {
      if let row = free.popFirst() {
        requests[row] = request
      } else {
        requests.append(request)
      }
    }
    for row in free {
      while requests.last == Self.free { requests.removeLast() }
      guard row < requests.count else { break }
      requests[row] = requests.removeLast()
    }
    order = requests.compactMap { places[$0] }
  }
}
