/// Steps whose tokens, or GPU times, are still to come, in order.
///
/// Slots are used again, so that a steady engine allocates nothing here.
struct PendingSteps {
  struct Slot {
    var record = StepRecord()
    /// Requests that ended before the step was scheduled, with their output tokens.
    var finished: [FinishedRequest] = []
    var output: Int64?
    var gpuTime: Int64?
    var forwardTime: Int64?
  }

  private var slots: [Slot] = []
  private var first = 0
  private(set) var count = 0

  init() {
    slots.reserveCapacity(RecorderLimits.stepsInFlight + 2)
    for _ in 0..<(RecorderLimits.stepsInFlight + 2) { slots.append(Slot()) }
  }

  /// Puts a step behind the others; there is always room for `stepsInFlight` and one more.
  mutating func add(_ words: [UInt64], finished: inout [FinishedRequest]) {
    precondition(count < slots.count, "steps are taken before more are added")
    let place = (first + count) % slots.count
    count += 1
    slots[place].record.read(words)
    swap(&slots[place].finished, &finished)
    slots[place].output = nil
    slots[place].gpuTime = nil
    slots[place].forwardTime = nil
    finished.removeAll(keepingCapacity: true)
  }

  mutating func setOutput(_ output: Int64, gpuTime: Int64?, of number: Int64) {
    guard let place = place(of: number) else { return }
    slots[place].output = output
    if let gpuTime { slots[place].gpuTime = gpuTime }
  }

  mutating func setGPUTime(_ gpuTime: Int64?, forwardTime: Int64?, of number: Int64) {
    guard let place = place(of: number) else { return }
    if let gpuTime { slots[place].gpuTime = gpuTime }
    if let forwardTime { slots[place].forwardTime = forwardTime }
  }

  private func place(of number: Int64) -> Int? {
    for offset in 0..<count {
      let place = (first + offset) % slots.count
      if slots[place].record.number == number { return place }
    }
    return nil
  }

  /// Whether the first step has all that is to be waited for.
  func isFirstReady(lateSteps: Int) -> Bool {
    guard count > 0 else { return false }
    if count > RecorderLimits.stepsInFlight { return true }
    guard slots[first].output != nil else { return false }
    return count > lateSteps || slots[first].gpuTime != nil
  }

  /// Exchanges the first step, which there is, for `slot`, whose storage is used again.
  mutating func takeFirst(into slot: inout Slot) {
    swap(&slots[first], &slot)
    first = (first + 1) % slots.count
    count -= 1
  }
}

/// A request that ended.
struct FinishedRequest {
  var number: UInt32
  /// Tokens generated for it; `nil` where only its rows tell.
  var outputTokens: UInt32?
}
