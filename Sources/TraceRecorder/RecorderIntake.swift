/// The engine's side of a recorder: checks what is passed in and puts it into the ring.
///
/// Nothing here waits, allocates or calls the system.
struct RecorderIntake: ~Copyable {
  private let ring: RecordRing
  /// Words of the ring that steps leave free.
  private let spare: Int
  private var rows = RowTable()
  private var lastNumber = Int64.min
  /// Steps dropped since the last one that was recorded.
  private(set) var dropped: UInt64 = 0
  private(set) var counts = IntakeCounts()

  init(ring: RecordRing) {
    self.ring = ring
    spare = ring.capacity / RecorderLimits.spareShare
  }

  /// The most words of the ring that were in use.
  var usedMax: Int { ring.usedMax }

  private mutating func refuse(_ call: InvalidCall) -> IntakeResult {
    counts.invalidCalls += 1
    counts.lastInvalidCall = call
    return .invalid
  }

  /// Counts a call that was wrong before it came here.
  mutating func refuseArguments() -> IntakeResult { refuse(.arguments) }

  // MARK: Requests

  mutating func addRequest(
    _ request: UInt64, arrival: Int64, promptTokens: UInt32, outputLimit: UInt32,
    prefixBlocks: Span<UInt64>
  ) -> IntakeResult {
    guard arrival.magnitude <= UInt64(RecorderLimits.numberMax) else { return refuse(.time) }
    guard promptTokens <= RecorderLimits.tokensMax else { return refuse(.promptTokens) }
    counts.requests += 1
    let blockCount = min(prefixBlocks.count, RecorderLimits.prefixBlocksPerRequest)
    let words = 5
    if let place = unsafe ring.reserve(words + blockCount, spare: blockCount > 0 ? spare / 2 : 0) {
      var writer = unsafe RecordWriter(place)
      writer.put(RecordHead(kind: .request, wordCount: words + blockCount).word)
      writer.put(request)
      writer.put(arrival)
      writer.put(UInt64(promptTokens) | UInt64(outputLimit) << 32)
      writer.put(UInt64(blockCount))
      writer.put(prefixBlocks.extracting(first: blockCount))
      ring.commit()
      if blockCount < prefixBlocks.count { counts.incompleteRequests += 1 }
      return .ok
    }
    counts.incompleteRequests += 1
    guard let place = unsafe ring.reserve(words, spare: 0) else { return .dropped }
    var writer = unsafe RecordWriter(place)
    writer.put(RecordHead(kind: .request, wordCount: words).word)
    writer.put(request)
    writer.put(arrival)
    writer.put(UInt64(promptTokens) | UInt64(outputLimit) << 32)
    writer.put(UInt64(0))
    ring.commit()
    return .ok
  }

  // MARK: Steps

  /// A step with all its rows.
  mutating func addStep(
    _ step: StepScalarsPassedIn, preempted: Span<UInt32>, requests: Span<UInt32>,
    computed: Span<UInt32>, queries: Span<UInt32>
  ) -> IntakeResult {
    if let call = fault(of: step) { return refuse(call) }
    if let fault = rows.replace(requests, computed, queries) { return refuse(.rows(fault)) }
    note(step)
    return putAllRows(step, preempted)
  }

  /// A step that differs from the one before in some rows.
  mutating func addStep(
    _ step: StepScalarsPassedIn, preempted: Span<UInt32>, removed: Span<UInt32>,
    changed: Span<UInt32>, computed: Span<UInt32>, queries: Span<UInt32>, added: Span<UInt32>,
    addedComputed: Span<UInt32>, addedQueries: Span<UInt32>
  ) -> IntakeResult {
    if let call = fault(of: step) { return refuse(call) }
    if let fault = rows.change(
      removed: removed, changed: changed, computed: computed, queries: queries, added: added,
      computed: addedComputed, queries: addedQueries)
    {
      return refuse(.rows(fault))
    }
    note(step)
    // After a gap the other side does not know the rows that this step changes.
    guard dropped == 0 else { return putAllRows(step, preempted) }
    let listed = preempted.count + removed.count + 3 * (changed.count + added.count)
    return put(step, 0, preempted.count, removed.count, changed.count, added.count, listed) {
      $0.put(preempted)
      $0.put(removed)
      $0.put(changed)
      $0.put(computed)
      $0.put(queries)
      $0.put(added)
      $0.put(addedComputed)
      $0.put(addedQueries)
    }
  }

  private func fault(of step: StepScalarsPassedIn) -> InvalidCall? {
    let most = UInt64(RecorderLimits.numberMax)
    guard step.number > lastNumber, step.number.magnitude <= most else { return .number }
    guard max(step.scheduleStart.magnitude, step.scheduleEnd.magnitude) <= most else {
      return .time
    }
    return nil
  }

  private mutating func note(_ step: StepScalarsPassedIn) {
    lastNumber = step.number
    counts.steps += 1
  }

  private mutating func putAllRows(
    _ step: StepScalarsPassedIn, _ preempted: Span<UInt32>
  ) -> IntakeResult {
    // The closure reads the rows while `put` changes the rest.
    let requests = rows.requests
    let computed = rows.computed
    let queries = rows.queries
    return put(
      step, StepRecord.allRows, preempted.count, 0, 0, rows.count,
      preempted.count + 3 * rows.count
    ) {
      $0.put(preempted)
      $0.put(requests.span)
      $0.put(computed.span)
      $0.put(queries.span)
    }
  }

  @inline(__always)
  private mutating func put(
    _ step: StepScalarsPassedIn, _ flags: UInt8, _ preempted: Int, _ removed: Int,
    _ changed: Int, _ added: Int, _ listed: Int, lists: (inout RecordWriter) -> Void
  ) -> IntakeResult {
    let words = StepRecord.wordCount + RecordWriter.listWords(listed)
    guard let place = unsafe ring.reserve(words, spare: spare) else {
      dropped += 1
      counts.droppedSteps += 1
      return .dropped
    }
    var writer = unsafe RecordWriter(place)
    writer.put(RecordHead(kind: .step, flags: flags, wordCount: words).word)
    writer.put(step.number)
    writer.put(step.scheduleStart)
    writer.put(step.scheduleEnd)
    writer.put(step.waiting, step.running)
    writer.put(step.freeKVBlocks, Int32(truncatingIfNeeded: preempted))
    writer.put(dropped)
    writer.put(removed, changed)
    writer.put(added, 0)
    lists(&writer)
    ring.commit()
    if dropped > 0 { counts.gaps += 1 }
    dropped = 0
    return .ok
  }

  // MARK: What comes later

  mutating func addOutput(
    of number: Int64, at output: Int64, gpuTime: Int64, finished: Span<UInt32>,
    outputTokens: Span<UInt32>
  ) -> IntakeResult {
    let most = UInt64(RecorderLimits.numberMax)
    guard output.magnitude <= most, gpuTime <= RecorderLimits.gpuTimeMax else {
      return refuse(.time)
    }
    if !finished.isEmpty, finish(finished, outputTokens) != .ok { return .dropped }
    return putWords(.output, UInt64(bitPattern: number), output, gpuTime)
  }

  mutating func addGPUTime(of number: Int64, gpuTime: Int64, forwardTime: Int64) -> IntakeResult {
    guard max(gpuTime, forwardTime) <= RecorderLimits.gpuTimeMax else { return refuse(.time) }
    return putWords(.gpuTime, UInt64(bitPattern: number), gpuTime, forwardTime)
  }

  private mutating func putWords(
    _ kind: RecordHead.Kind, _ number: UInt64, _ first: Int64, _ second: Int64
  ) -> IntakeResult {
    guard let place = unsafe ring.reserve(4, spare: 0) else { return .dropped }
    var writer = unsafe RecordWriter(place)
    writer.put(RecordHead(kind: kind, wordCount: 4).word)
    writer.put(number)
    writer.put(first)
    writer.put(second)
    ring.commit()
    return .ok
  }

  /// Ends of requests; `outputTokens` is empty where none is known.
  mutating func finish(_ finished: Span<UInt32>, _ outputTokens: Span<UInt32>) -> IntakeResult {
    let words = 2 + RecordWriter.listWords(finished.count + outputTokens.count)
    guard let place = unsafe ring.reserve(words, spare: 0) else { return .dropped }
    var writer = unsafe RecordWriter(place)
    writer.put(RecordHead(kind: .finish, wordCount: words).word)
    writer.put(finished.count, outputTokens.count)
    writer.put(finished)
    writer.put(outputTokens)
    ring.commit()
    return .ok
  }
}
