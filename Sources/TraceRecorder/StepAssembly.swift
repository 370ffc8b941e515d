internal import TraceModel

/// Makes the steps of a trace from records: rows by their changes, requests by their places.
struct StepAssembly {
  private(set) var live = LiveRequests()
  /// The step that was made last.
  private(set) var step = TraceStep()
  private var rows = RowTable()
  /// Whether `step.rows` are the table's rows with places of the present file.
  private var hasPlaces = false
  private let timeZero: Int64
  private let timeUnit: Int64
  private let modelLength: Int64?

  init(options: RecorderOptions, header: TraceHeader) {
    timeZero = options.timeZero
    timeUnit = options.timeUnit
    modelLength = header.model.map { Int64($0.maxModelLength) }
  }

  /// A moment of the caller's clock as one of the trace, rounded down to the unit.
  func moment(_ time: Int64) -> Nanoseconds { Nanoseconds(rounded(time - timeZero)) }

  private func rounded(_ time: Int64) -> Int64 {
    let remainder = time % timeUnit
    return time - (remainder < 0 ? remainder + timeUnit : remainder)
  }

  /// Forgets the places of requests: another file begins.
  mutating func beginFile() {
    hasPlaces = false
    live.beginFile()
  }

  mutating func setPlace(_ place: Int32, of number: UInt32) { live.setPlace(place, of: number) }

  // MARK: Requests

  /// Adds the request of a record and returns its number in rows.
  mutating func addRequest(_ words: [UInt64]) -> UInt32 {
    let (prompt, limit) = words[3].halves
    let number = UInt32(truncatingIfNeeded: words[1])
    let isBounded = Int64(UInt32(bitPattern: limit)) <= RecorderLimits.outputTokensMax
    live.add(
      number,
      LiveRequest(
        id: words[1], arrival: moment(Int64(bitPattern: words[2])).rawValue,
        promptTokens: prompt, outputLimit: isBounded ? limit : assumedLimit(prompt: prompt),
        prefixBlocks: Array(words[5...]), sequence: 0))
    return number
  }

  /// Adds a request of which only a row is known: what is computed then counts as its prompt.
  private mutating func addUnknown(_ number: UInt32, length: UInt32, at start: Nanoseconds) {
    let prompt = Int32(clamping: length)
    live.add(
      number,
      LiveRequest(
        id: UInt64(number), arrival: start.rawValue, promptTokens: prompt,
        outputLimit: assumedLimit(prompt: prompt), prefixBlocks: [], sequence: 0))
  }

  private func assumedLimit(prompt: Int32) -> Int32 {
    let most = modelLength.map { max(1, $0 - Int64(prompt)) } ?? RecorderLimits.outputTokensAssumed
    return Int32(clamping: min(most, RecorderLimits.outputTokensMax))
  }

  // MARK: Steps

  /// Rows of the last step that was taken, and their tokens.
  var rowCount: Int { rows.count }
  var tokenCount: Int { (0..<rows.count).reduce(0) { $0 + Int(rows.queries[$1]) } }

  /// Applies a step's changes to the rows, whether the step is then written or not.
  mutating func takeRows(_ slot: PendingSteps.Slot) {
    let record = slot.record
    step.scheduleStart = moment(record.scheduleStart)
    if record.isSame, hasPlaces {
      rows.advance()
      advanceNamedRows()
    } else {
      noteLengths()
      hasPlaces = false
      changeRows(record)
    }
  }

  /// Makes `step` of a slot whose rows were taken; the numbers of those requests that have no place in
  /// the file yet, and until they have one the step is not whole.
  mutating func nameRows(_ slot: PendingSteps.Slot) -> [UInt32] {
    let record = slot.record
    step.number = record.number
    step.scheduleEnd = max(step.scheduleStart, moment(record.scheduleEnd))
    step.output = slot.output.map { max(step.scheduleStart, moment($0)) }
    step.gpuTime = slot.gpuTime.map { Nanoseconds(rounded($0)) }
    step.forwardTime = slot.forwardTime.map { Nanoseconds(rounded($0)) }
    step.waiting = record.waiting < 0 ? nil : record.waiting
    step.running = record.running < 0 ? nil : record.running
    step.freeKVBlocks = record.freeKVBlocks < 0 ? nil : record.freeKVBlocks
    step.preempted.removeAll(keepingCapacity: true)
    for number in record.preempted {
      if let place = live.place(of: number) { step.preempted.append(place) }
    }
    step.finished.removeAll(keepingCapacity: true)
    for finished in slot.finished {
      if let place = live.place(of: finished.number) { step.finished.append(place) }
    }
    return hasPlaces ? [] : nameAllRows()
  }

  private mutating func nameAllRows() -> [UInt32] {
    var missing: [UInt32] = []
    step.rows.removeAll(keepingCapacity: true)
    for index in 0..<rows.count {
      let number = rows.requests[index]
      guard let place = live.place(of: number) else {
        if live[number] == nil {
          addUnknown(
            number, length: rows.computed[index] &+ rows.queries[index], at: step.scheduleStart)
        }
        missing.append(number)
        continue
      }
      step.rows.append(
        StepRow(
          request: place, computed: TokenCount(Int32(clamping: rows.computed[index])),
          queryLength: TokenCount(Int32(clamping: rows.queries[index]))))
    }
    hasPlaces = missing.isEmpty
    return missing
  }

  private mutating func advanceNamedRows() {
    var rows = step.rows.mutableSpan
    for index in rows.indices {
      // Past the largest count it turns negative, which the writer refuses without harm.
      rows[index].computed.rawValue &+= rows[index].queryLength.rawValue
      rows[index].queryLength = TokenCount(1)
    }
  }

  private mutating func changeRows(_ record: StepRecord) {
    let (changed, added) = (record.changed, record.added)
    let fault =
      record.isAllRows
      ? rows.replace(added.requests.span, added.computed.span, added.queries.span)
      : rows.change(
        removed: record.removed.span, changed: changed.requests.span,
        computed: changed.computed.span, queries: changed.queries.span,
        added: added.requests.span, computed: added.computed.span, queries: added.queries.span)
    precondition(fault == nil, "the ring holds what was checked before")
  }

  /// Keeps the lengths that rows have come to, before they change.
  private mutating func noteLengths() {
    for index in 0..<rows.count {
      live.setLength(rows.computed[index] &+ rows.queries[index], of: rows.requests[index])
    }
  }

  // MARK: Ends

  /// Forgets a request that ended; its place and tokens, if it is in the file.
  mutating func end(_ finished: FinishedRequest) -> (place: Int32, outputTokens: TokenCount)? {
    let place = live.place(of: finished.number)
    let request = live.remove(finished.number)
    guard let place,
      let tokens = finished.outputTokens.map({ Int64($0) })
        ?? request.map({ outputTokens(of: $0, finished.number) })
    else { return nil }
    return (place, TokenCount(Int32(min(tokens, Int64(RecorderLimits.tokensMax)))))
  }

  /// Tokens that a request must have had by its rows.
  private func outputTokens(of request: LiveRequest, _ number: UInt32) -> Int64 {
    let row = rows.place(of: number)
    let length = row.map { rows.computed[$0] &+ rows.queries[$0] } ?? request.length
    return length == 0 ? 0 : max(0, Int64(length) - Int64(request.promptTokens) + 1)
  }
}
