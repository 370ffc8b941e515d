import TraceModel

/// What a step log's lines so far have said, against which the next one is checked.
struct StepLogState {
  static let kindKey = PackedKey("kind")
  static let headerKind = PackedKey("header")
  static let requestKind = PackedKey("request")
  static let stepKind = PackedKey("step")
  static let gapKind = PackedKey("gap")
  static let endKind = PackedKey("end")

  static func isKnown(_ kind: PackedKey) -> Bool {
    kind == stepKind || kind == requestKind || kind == gapKind || kind == endKind
  }

  var places = RequestPlaces()
  var notes = NoteCounter()
  /// The last step's number and its scheduler call; `nil` before the first.
  private var lastNumber: Int64?
  private var lastStart = Nanoseconds.zero
  /// Where the last gap began, which the next step must lie behind.
  private var lastGap: Int64 = -1
  /// The gap in front of the step just read, where its rows show that steps are missing.
  var impliedGap: TraceGap?
  private let stepKeys = KeyList<StepKey>(
    required: [.step, .scheduleStart, .scheduleEnd, .batch])
  private let requestKeys = KeyList<RequestKey>(
    required: [.id, .arrival, .promptTokens, .outputTokens])
  private let endKeys = KeyList<EndKey>(required: [.id, .outputTokens])
  private let gapKeys = KeyList<GapKey>(required: [.afterStep, .droppedSteps])

  private enum StepKey: String, CaseIterable {
    case kind, step
    case scheduleStart = "schedule_start"
    case scheduleEnd = "schedule_end"
    case output
    case gpuTime = "gpu_ms"
    case forwardTime = "forward_ms"
    case waiting, running
    case freeKVBlocks = "free_kv_blocks"
    case batch, preempted, finished
  }

  private enum RequestKey: String, CaseIterable {
    case kind, id, arrival
    case promptTokens = "prompt_tokens"
    case outputTokens = "output_tokens"
    case outputLimit = "output_limit"
    case prefixBlocks = "prefix_blocks"
  }

  private enum EndKey: String, CaseIterable {
    case kind, id
    case outputTokens = "output_tokens"
  }

  private enum GapKey: String, CaseIterable {
    case kind
    case afterStep = "after_step"
    case droppedSteps = "dropped_steps"
  }
}

// MARK: Steps

extension StepLogState {
  mutating func readStep(
    _ scanner: inout FieldScanner, _ walk: inout MemberWalk, _ bytes: Span<UInt8>,
    into step: inout TraceStep
  ) throws(LineFault) {
    step.clear()
    places.beginStep()
    while let key = try walk.next(stepKeys, &scanner, bytes, &notes) {
      switch key {
      case .kind: _ = try scanner.skipValue(bytes)
      case .step: step.number = Int64(try scanner.whole("\"step\"", max: 1 << 62, bytes))
      case .scheduleStart: step.scheduleStart = try scanner.seconds("\"schedule_start\"", bytes)
      case .scheduleEnd: step.scheduleEnd = try scanner.seconds("\"schedule_end\"", bytes)
      case .output:
        if try !scanner.isNull(bytes) { step.output = try scanner.seconds("\"output\"", bytes) }
      case .gpuTime:
        if try !scanner.isNull(bytes) { step.gpuTime = try scanner.gpuTime("\"gpu_ms\"", bytes) }
      case .forwardTime:
        if try !scanner.isNull(bytes) {
          step.forwardTime = try scanner.gpuTime("\"forward_ms\"", bytes)
        }
      case .waiting: step.waiting = try scanner.optionalCount("\"waiting\"", bytes)
      case .running: step.running = try scanner.optionalCount("\"running\"", bytes)
      case .freeKVBlocks: step.freeKVBlocks = try scanner.optionalCount("\"free_kv_blocks\"", bytes)
      case .batch: try places.readRows(&scanner, bytes, into: &step.rows)
      case .preempted: try places.readList("preempted", &scanner, bytes, into: &step.preempted)
      case .finished: try places.readList("finished", &scanner, bytes, into: &step.finished)
      }
    }
    try checkOrder(of: step)
    if places.isAhead, let lastNumber {
      notes.count("steps are missing: rows begin beyond where their requests were; read as a gap")
      let dropped = max(1, step.number - lastNumber - 1)
      impliedGap = TraceGap(afterStep: lastNumber, droppedSteps: dropped)
    }
    lastNumber = step.number
    lastStart = step.scheduleStart
    places.end(step)
  }

  /// The clock never goes back, step numbers grow, and requests arrive before their tokens.
  private func checkOrder(of step: borrowing TraceStep) throws(LineFault) {
    if let lastNumber, step.number <= lastNumber {
      throw LineFault(
        "step \(step.number) after step \(lastNumber): numbers must grow", kind: .inconsistent)
    }
    guard step.number > lastGap else {
      throw LineFault(
        "step \(step.number) after a gap behind step \(lastGap)", kind: .inconsistent)
    }
    guard step.scheduleStart >= lastStart else {
      throw LineFault(
        "step \(step.number) was scheduled before the step in front of it", kind: .inconsistent)
    }
    guard step.scheduleEnd >= step.scheduleStart else {
      throw LineFault("\"schedule_end\" is before \"schedule_start\"", kind: .inconsistent)
    }
    guard let output = step.output else { return }
    guard output >= step.scheduleStart else {
      throw LineFault("\"output\" is before \"schedule_start\"", kind: .inconsistent)
    }
    try places.checkArrivals(before: output, of: step.number)
  }
}

// MARK: Requests and gaps

extension StepLogState {
  mutating func readRequest(
    _ scanner: inout FieldScanner, _ walk: inout MemberWalk, _ bytes: Span<UInt8>
  ) throws(LineFault) -> TraceRequest {
    var request = TraceRequest(
      id: RequestID(0), arrival: .zero, promptTokens: .zero, outputTokens: .zero)
    while let key = try walk.next(requestKeys, &scanner, bytes, &notes) {
      switch key {
      case .kind: _ = try scanner.skipValue(bytes)
      case .id: request.id = RequestID(Int64(try scanner.whole("\"id\"", max: 1 << 62, bytes)))
      case .arrival: request.arrival = try scanner.seconds("\"arrival\"", bytes)
      case .promptTokens: request.promptTokens = try scanner.tokens("\"prompt_tokens\"", bytes)
      case .outputTokens: request.outputTokens = try scanner.tokens("\"output_tokens\"", bytes)
      case .outputLimit:
        if try !scanner.isNull(bytes) {
          request.outputLimit = try scanner.tokens("\"output_limit\"", bytes)
        }
      case .prefixBlocks: try scanner.identities(bytes, into: &request.prefixBlocks)
      }
    }
    // One that was given up before its first token has none, but asked for some.
    let asked = request.outputLimit ?? request.outputTokens
    guard request.promptTokens > .zero, asked > .zero else {
      throw LineFault("a request needs at least one prompt token and one output token")
    }
    try places.add(
      request.id, arrival: request.arrival, promptTokens: request.promptTokens)
    return request
  }

  mutating func readEnd(
    _ scanner: inout FieldScanner, _ walk: inout MemberWalk, _ bytes: Span<UInt8>
  ) throws(LineFault) -> StepLogEvent {
    var id: UInt64 = 0
    var tokens = TokenCount.zero
    while let key = try walk.next(endKeys, &scanner, bytes, &notes) {
      switch key {
      case .kind: _ = try scanner.skipValue(bytes)
      case .id: id = try scanner.whole("\"id\"", max: 1 << 62, bytes)
      case .outputTokens: tokens = try scanner.tokens("\"output_tokens\"", bytes)
      }
    }
    return .end(try places.known(id), outputTokens: tokens)
  }

  mutating func readGap(
    _ scanner: inout FieldScanner, _ walk: inout MemberWalk, _ bytes: Span<UInt8>
  ) throws(LineFault) -> TraceGap {
    var gap = TraceGap(afterStep: -1, droppedSteps: 0)
    while let key = try walk.next(gapKeys, &scanner, bytes, &notes) {
      switch key {
      case .kind: _ = try scanner.skipValue(bytes)
      case .afterStep: gap.afterStep = try scanner.stepOrNone("\"after_step\"", bytes)
      case .droppedSteps:
        gap.droppedSteps = Int64(try scanner.whole("\"dropped_steps\"", max: 1 << 62, bytes))
      }
    }
    guard gap.droppedSteps > 0 else { throw LineFault("a gap of no steps") }
    guard gap.afterStep >= max(lastNumber ?? -1, lastGap) else {
      throw LineFault(
        "gap after step \(gap.afterStep), which earlier lines are past", kind: .inconsistent)
    }
    lastGap = gap.afterStep
    places.noteGap()
    return gap
  }
}

extension TraceStep {
  /// Empties the step but keeps the storage of its lists.
  fileprivate mutating func clear() {
    output = nil
    gpuTime = nil
    forwardTime = nil
    waiting = nil
    running = nil
    freeKVBlocks = nil
    rows.removeAll(keepingCapacity: true)
    preempted.removeAll(keepingCapacity: true)
    finished.removeAll(keepingCapacity: true)
  }
}
