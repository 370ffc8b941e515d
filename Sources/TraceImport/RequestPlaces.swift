import TraceModel

/// Turns the ids of a log into places in the list of requests, and refuses rows that cannot be.
struct RequestPlaces {
  /// Ids count up from zero in nearly every log; the table is only made when one does not.
  private var table: [Int64: Int32]?
  private var requests: [Known] = []
  private var stamp: Int64 = 0
  /// The first step of the log or behind the last gap, and when it was scheduled: what was before says
  /// nothing about the rows that follow.
  private var firstStamp: Int64 = 1
  private var firstStart = Nanoseconds(.max)
  /// Whether a row of the step begins beyond where its request can have been.
  private(set) var isAhead = false
  /// Requests whose first row is in the step.
  private var newcomers: [Int32] = []

  /// What is known of one request.
  private struct Known {
    let id: RequestID
    let arrival: Nanoseconds
    /// The stamp of the last step that had a row of it; -1 before the first.
    var stamp: Int64 = -1
    /// Where its next row begins at most: tokens that the last one came to, at first those of the prompt,
    /// and the largest number behind a preemption.
    var end: Int32
  }

  /// Requests known.
  var count: Int { requests.count }

  /// Gives the next place to an id.
  mutating func add(
    _ id: RequestID, arrival: Nanoseconds, promptTokens: TokenCount
  ) throws(LineFault) {
    guard place(of: UInt64(bitPattern: id.rawValue)) == nil else {
      throw LineFault("request \(id.rawValue) a second time", kind: .inconsistent)
    }
    guard count < ImportLimits.requestsMax else { throw LineFault("too many requests") }
    let place = Int32(count)
    if table == nil, id.rawValue != Int64(place) {
      var known: [Int64: Int32] = [:]
      for earlier in 0..<place { known[Int64(earlier)] = earlier }
      table = known
    }
    table?[id.rawValue] = place
    requests.append(Known(id: id, arrival: arrival, end: promptTokens.rawValue))
  }

  /// Starts a step: each request may have one row again.
  mutating func beginStep() {
    stamp += 1
    isAhead = false
    newcomers.removeAll(keepingCapacity: true)
  }

  /// Forgets where requests were: steps are missing before the next one.
  mutating func noteGap() {
    firstStamp = stamp + 1
    firstStart = Nanoseconds(.max)
  }

  /// Ends a step: requests that lost their blocks resume anywhere.
  mutating func end(_ step: borrowing TraceStep) {
    if isAhead { firstStamp = stamp }
    if firstStamp == stamp { firstStart = step.scheduleStart }
    for place in step.preempted { requests[Int(place)].end = .max }
  }

  /// Refuses a step whose output came before a request arrived that it is the first to run.
  func checkArrivals(before output: Nanoseconds, of step: Int64) throws(LineFault) {
    for place in newcomers where requests[Int(place)].arrival > output {
      let id = requests[Int(place)].id.rawValue
      throw LineFault(
        "request \(id) arrives after the output of step \(step), its first", kind: .inconsistent)
    }
  }

  @inline(__always)
  private func place(of id: UInt64) -> Int32? {
    if let table { return table[Int64(bitPattern: id)] }
    return id < UInt64(count) ? Int32(truncatingIfNeeded: id) : nil
  }

  /// The place of an id that has come.
  func known(_ id: UInt64) throws(LineFault) -> Int32 {
    guard let place = place(of: id) else { throw unknown(id) }
    return place
  }

  private func unknown(_ id: UInt64) -> LineFault {
    LineFault(
      "request \(id) is unknown: its own line must come before steps that name it",
      kind: .inconsistent)
  }

  /// Reads `[[request, computed, query_len], …]`.
  @inline(__always)
  mutating func readRows(
    _ scanner: inout FieldScanner, _ bytes: Span<UInt8>, into rows: inout [StepRow]
  ) throws(LineFault) {
    try scanner.expect(UInt8(ascii: "["), bytes)
    guard try !scanner.isEmptyList(UInt8(ascii: "]"), bytes) else { return }
    repeat {
      rows.append(try readRow(&scanner, bytes))
    } while try scanner.hasNext(before: UInt8(ascii: "]"), bytes)
  }

  @inline(__always)
  private mutating func readRow(
    _ scanner: inout FieldScanner, _ bytes: Span<UInt8>
  ) throws(LineFault) -> StepRow {
    try scanner.expect(UInt8(ascii: "["), bytes)
    scanner.skipWhitespace(bytes)
    let id = try scanner.whole("a row's request", max: 1 << 62, bytes)
    try scanner.expect(UInt8(ascii: ","), bytes)
    scanner.skipWhitespace(bytes)
    let computed = try scanner.whole("computed tokens", max: UInt64(Int32.max), bytes)
    try scanner.expect(UInt8(ascii: ","), bytes)
    scanner.skipWhitespace(bytes)
    let query = try scanner.whole("query_len", max: UInt64(Int32.max), bytes)
    try scanner.expect(UInt8(ascii: "]"), bytes)
    guard query > 0 else { throw LineFault("query_len of a row is 0") }
    guard computed + query <= UInt64(Int32.max) else {
      throw LineFault("computed + query_len of a row is larger than \(Int32.max)")
    }
    guard let place = place(of: id) else { throw unknown(id) }
    try note(place, id, computed: Int32(computed), end: Int32(computed + query))
    return StepRow(
      request: place, computed: TokenCount(Int32(computed)), queryLength: TokenCount(Int32(query)))
  }

  /// Holds a row against its request's last one.
  @inline(__always)
  private mutating func note(
    _ place: Int32, _ id: UInt64, computed: Int32, end: Int32
  ) throws(LineFault) {
    let last = requests[Int(place)]
    guard last.stamp != stamp else {
      throw LineFault("request \(id) has two rows in one step", kind: .inconsistent)
    }
    let isFirst = last.stamp < 0
    if isFirst { newcomers.append(place) }
    if computed > last.end, isFirst ? last.arrival > firstStart : last.stamp >= firstStamp {
      isAhead = true
    }
    requests[Int(place)].stamp = stamp
    requests[Int(place)].end = end
  }

  /// Reads a list of ids.
  mutating func readList(
    _ what: String, _ scanner: inout FieldScanner, _ bytes: Span<UInt8>, into list: inout [Int32]
  ) throws(LineFault) {
    if try scanner.isNull(bytes) { return }
    try scanner.expect(UInt8(ascii: "["), bytes)
    guard try !scanner.isEmptyList(UInt8(ascii: "]"), bytes) else { return }
    repeat {
      scanner.skipWhitespace(bytes)
      let id = try scanner.whole("a request's id", max: 1 << 62, bytes)
      guard let place = place(of: id) else { throw unknown(id) }
      list.append(place)
    } while try scanner.hasNext(before: UInt8(ascii: "]"), bytes)
  }
}
