import DequeModule
import KernelSelection
import TraceModel

/// vLLM V1's scheduler: who gets how many tokens in the next step.
///
/// Rules as of vLLM 0.32 (`vllm/v1/core/sched/scheduler.py`, first come first served):
/// 1. Running requests in order, each as many tokens as it wants within the step's budget. One that
///    finds no free block preempts the last of the list until it fits; if it is the last itself, the
///    pass ends.
/// 2. If nothing was preempted, waiting requests in order, until budget, places or blocks run out:
///    the head of the queue blocks those behind it.
/// 3. What was scheduled counts as computed at once; a row that reaches a request's last token
///    promises the next one. So with asynchronous scheduling step n + 1 is formed before step n's
///    tokens are known, and a request whose last token is promised is passed over.
///
/// All rules, with the versions that have them, stand in `SCHEDULER.md` beside this file.
///
/// Time is not its matter: `schedule` and `complete` are called in the order in which an engine would.
struct Scheduler {
  let engine: EngineModel
  let requests: [SchedulerRequest]
  let prefixes: PrefixIdentities?

  /// Requests that hold blocks, in the order in which they were admitted.
  var running: [RunningRequest] = []
  /// Requests to be admitted; preempted ones come first.
  var waiting: Deque<WaitingRequest> = []
  /// The KV memory.
  var pool: KVBlockPool
  /// What has happened to every request.
  var ledger: RequestLedger

  /// The last step's rows, where `keepsRows` asks for them.
  private(set) var rows: [StepRow] = []
  /// Whether rows are kept beside the batch's lengths.
  var keepsRows = false
  /// Requests preempted since `takePreempted` was last called.
  var preempted: [Int32] = []
  /// Requests that the last call of `complete` found finished.
  var finished: [Int32] = []

  /// The last step whose tokens were processed.
  var completedStep: Int32 = -1
  /// Requests that get their last token in the step before the next one and in that before.
  var finishing: (even: Int, odd: Int) = (0, 0)
  /// A head of the queue that did not fit whole, and the pool's state at the time.
  var blocked: (request: Int32, generation: Int)?

  /// A scheduler of an engine at rest; `requests` are those of the whole trace, by place.
  init(
    engine: EngineModel, requests: [SchedulerRequest], prefixes: PrefixIdentities?,
    ledger: RequestLedger
  ) {
    self.engine = engine
    self.requests = requests
    self.prefixes = engine.prefixCaching ? prefixes : nil
    self.ledger = ledger
    pool = KVBlockPool(
      blocks: engine.kvBlocks, tracksBlocks: engine.prefixCaching,
      takesNamelessBlocksFirst: engine.rules.takesNamelessBlocksFirst)
    running.reserveCapacity(min(engine.maxSequences, requests.count))
  }

  /// Whether no request runs or waits.
  var isIdle: Bool { running.isEmpty && waiting.isEmpty }

  /// Puts a new request at the end of the queue.
  mutating func enqueue(_ request: Int32) {
    waiting.append(
      WaitingRequest(request: request, tokens: requests[Int(request)].promptTokens))
  }

  /// Forms the batch of step `step`, which is called at `time`; it may come out empty.
  mutating func schedule(step: Int32, at time: Nanoseconds, into batch: inout AttentionBatch) {
    batch.removeAll()
    if keepsRows { rows.removeAll(keepingCapacity: true) }
    let alreadyPreempted = preempted.count
    var budget = Int32(clamping: engine.maxBatchedTokens)
    let limit = rowLimit
    extendRunning(step: step, budget: &budget, limit: limit, batch: &batch)
    if preempted.count == alreadyPreempted {
      admitWaiting(step: step, time: time, budget: &budget, limit: limit, batch: &batch)
    }
    ledger.counts.peakRunning = max(ledger.counts.peakRunning, running.count)
    ledger.counts.peakWaiting = max(ledger.counts.peakWaiting, waiting.count)
  }

  /// Requests preempted for the step just scheduled, and by calls before it that gave no step.
  mutating func takePreempted() -> [Int32] {
    guard !preempted.isEmpty else { return [] }
    defer { preempted = [] }
    return preempted
  }

  /// Most tokens of one row in the call that begins.
  private var rowLimit: Int32 {
    Int32(clamping: engine.rowLimit(requests: running.count + waiting.count))
  }

  private mutating func extendRunning(
    step: Int32, budget: inout Int32, limit: Int32, batch: inout AttentionBatch
  ) {
    var index = 0
    while index < running.count, budget > 0 {
      let request = running[index]
      guard !request.isComplete else {
        index += 1
        continue
      }
      let length = min(request.tokens - request.computed, limit, budget)
      if request.computed + length > request.capacity {
        guard makeRoom(for: index, tokens: request.computed + length) else { return }
      }
      budget -= length
      addRow(of: index, length: length, step: step, batch: &batch)
      index += 1
    }
  }

  /// Gives a running request blocks for `tokens` tokens, at the cost of the last of the list; `false`
  /// where that was the request itself.
  private mutating func makeRoom(for index: Int, tokens: Int32) -> Bool {
    let blockSize = Int32(engine.kvBlockSize)
    let missing = Int(
      (tokens - running[index].capacity + blockSize - 1) / blockSize)
    while pool.freeCount < missing {
      preemptLast()
      guard index < running.count else { return false }
    }
    pool.take(missing, for: running[index].table)
    running[index].capacity += Int32(missing) * blockSize
    return true
  }

  /// Appends a row of a running request, whose blocks are there, to the batch.
  mutating func addRow(of index: Int, length: Int32, step: Int32, batch: inout AttentionBatch) {
    let before = running[index].computed
    let computed = before + length
    running[index].computed = computed
    batch.append(queryLength: length, kvLength: computed)
    if keepsRows {
      rows.append(
        StepRow(
          request: running[index].request, computed: TokenCount(before),
          queryLength: TokenCount(length)))
    }
    if before < running[index].namedTokens { nameBlocks(of: running[index], from: before) }
    if computed == running[index].tokens { promiseToken(to: index, step: step) }
  }

  /// Counts the token that a row at the end of its request's context will give.
  private mutating func promiseToken(to index: Int, step: Int32) {
    running[index].tokens += 1
    if running[index].runStart < 0 || running[index].lastTokenStep != step - 1 {
      ledger.endRun(of: running[index])
      running[index].runStart = step
    }
    running[index].lastTokenStep = step
    if running[index].isComplete {
      if step & 1 == 0 { finishing.even += 1 } else { finishing.odd += 1 }
    }
  }

  /// Lets others find the prompt's blocks that just became full.
  private mutating func nameBlocks(of request: RunningRequest, from before: Int32) {
    guard let prefixes else { return }
    let blockSize = Int32(engine.kvBlockSize)
    let end = min(request.computed, request.namedTokens) / blockSize
    for block in Int(before / blockSize)..<max(Int(before / blockSize), Int(end)) {
      pool.name(
        block, of: request.table,
        as: prefixes.identity(of: Int(request.request), block: block))
    }
  }
}
