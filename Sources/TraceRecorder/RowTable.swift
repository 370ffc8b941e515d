/// The rows of the last step, as both sides of the ring keep them.
///
/// The producer's copy is what makes a step after a gap whole again; the consumer's is what the
/// records' changes apply to.
struct RowTable {
  private(set) var requests: [UInt32] = []
  private(set) var computed: [UInt32] = []
  private(set) var queries: [UInt32] = []
  /// Rows to be left out, while a change is being made.
  private var marks: [Bool] = []
  private var places: [Int] = []

  init() {
    requests.reserveCapacity(RecorderLimits.rowsMax)
    computed.reserveCapacity(RecorderLimits.rowsMax)
    queries.reserveCapacity(RecorderLimits.rowsMax)
    marks.reserveCapacity(RecorderLimits.rowsMax)
    places.reserveCapacity(RecorderLimits.rowsMax)
  }

  var count: Int { requests.count }

  /// Moves every row one token further.
  mutating func advance() { Self.advance(&computed, &queries) }

  private static func advance(_ computed: inout [UInt32], _ queries: inout [UInt32]) {
    var computed = computed.mutableSpan
    var queries = queries.mutableSpan
    for index in computed.indices {
      computed[index] &+= queries[index]
      queries[index] = 1
    }
  }

  /// Replaces all rows; what is wrong with them, if anything, and then nothing is done.
  mutating func replace(
    _ newRequests: Span<UInt32>, _ newComputed: Span<UInt32>, _ newQueries: Span<UInt32>
  ) -> RowFault? {
    if let fault = Self.fault(newRequests.count, newComputed, newQueries) { return fault }
    requests.removeAll(keepingCapacity: true)
    computed.removeAll(keepingCapacity: true)
    queries.removeAll(keepingCapacity: true)
    append(newRequests, newComputed, newQueries)
    return nil
  }

  /// Moves every row one token further, but leaves some out, gives some other lengths, and adds some.
  ///
  /// What is wrong, if anything, is returned, and then nothing is done.
  mutating func change(
    removed: Span<UInt32>, changed: Span<UInt32>, computed changedComputed: Span<UInt32>,
    queries changedQueries: Span<UInt32>, added: Span<UInt32>,
    computed addedComputed: Span<UInt32>, queries addedQueries: Span<UInt32>
  ) -> RowFault? {
    let countAfter = count - removed.count + added.count
    if let fault = Self.fault(changed.count, changedComputed, changedQueries)
      ?? Self.fault(countAfter, addedComputed, addedQueries)
    {
      return fault
    }
    if let fault = mark(removed) ?? find(changed) {
      marks.removeAll(keepingCapacity: true)
      return fault
    }
    advance()
    for index in changed.indices {
      computed[places[index]] = changedComputed[index]
      queries[places[index]] = changedQueries[index]
    }
    if !removed.isEmpty { removeMarked() }
    append(added, addedComputed, addedQueries)
    return nil
  }

  private mutating func append(
    _ newRequests: Span<UInt32>, _ newComputed: Span<UInt32>, _ newQueries: Span<UInt32>
  ) {
    for index in newRequests.indices {
      requests.append(newRequests[index])
      computed.append(newComputed[index])
      queries.append(newQueries[index])
    }
  }

  /// Marks the rows of requests; each search goes on where the last one ended.
  private mutating func mark(_ removed: Span<UInt32>) -> RowFault? {
    marks.removeAll(keepingCapacity: true)
    guard !removed.isEmpty else { return nil }
    marks.append(contentsOf: repeatElement(false, count: count))
    var from = 0
    for index in removed.indices {
      guard let place = place(of: removed[index], from: from), !marks[place] else {
        return .absent(removed[index])
      }
      marks[place] = true
      from = place + 1
    }
    return nil
  }

  private mutating func find(_ changed: Span<UInt32>) -> RowFault? {
    places.removeAll(keepingCapacity: true)
    var from = 0
    for index in changed.indices {
      guard let place = place(of: changed[index], from: from), marks.isEmpty || !marks[place]
      else { return .absent(changed[index]) }
      places.append(place)
      from = place + 1
    }
    return nil
  }

  /// The row of a request, looked for from a place to the end and then from the start.
  func place(of request: UInt32, from start: Int = 0) -> Int? {
    let requests = requests.span
    var place = start
    for _ in 0..<requests.count {
      if place >= requests.count { place = 0 }
      if requests[place] == request { return place }
      place += 1
    }
    return nil
  }

  private mutating func removeMarked() {
    var kept = 0
    for place in 0..<count where !marks[place] {
      requests[kept] = requests[place]
      computed[kept] = computed[place]
      queries[kept] = queries[place]
      kept += 1
    }
    let surplus = count - kept
    requests.removeLast(surplus)
    computed.removeLast(surplus)
    queries.removeLast(surplus)
    marks.removeAll(keepingCapacity: true)
  }

  private static func fault(
    _ count: Int, _ computed: Span<UInt32>, _ queries: Span<UInt32>
  ) -> RowFault? {
    guard count <= RecorderLimits.rowsMax else { return .tooMany }
    for index in queries.indices {
      let (length, overflow) = computed[index].addingReportingOverflow(queries[index])
      guard queries[index] >= 1, !overflow, length <= RecorderLimits.tokensMax else {
        return .lengths
      }
    }
    return nil
  }
}

/// What is wrong with rows that were passed in.
enum RowFault: Equatable {
  /// No row of this request is there to be left out or changed.
  case absent(UInt32)
  /// A row without a new token, or with more tokens than a trace can hold.
  case lengths
  /// More rows than a trace can hold.
  case tooMany

  var message: String {
    switch self {
    case .absent(let request): "request \(request) has no row in the step before"
    case .lengths: "a row has no new token, or more than \(RecorderLimits.tokensMax) tokens"
    case .tooMany: "more than \(RecorderLimits.rowsMax) rows"
    }
  }
}
