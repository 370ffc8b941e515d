import DequeModule

/// How requests leave the running list: preempted, or finished.
extension Scheduler {
  /// Sends the last running request back to the head of the queue, to be computed again.
  mutating func preemptLast() {
    let victim = running.removeLast()
    let full = fullBlocks(of: victim)
    nameOwnBlocks(of: victim, full: full)
    release(victim, full: full)
    ledger.endRun(of: victim)
    ledger.preempt(victim)
    preempted.append(victim.request)
    waiting.prepend(
      WaitingRequest(
        request: victim.request, tokens: victim.tokens, lost: victim.computed,
        lastTokenStep: victim.lastTokenStep, isResumed: true))
  }

  /// Processes the tokens of step `step`: requests that have their last one give their blocks back.
  ///
  /// Steps complete in order, and at most one later step has been scheduled.
  mutating func complete(step: Int32) {
    completedStep = step
    finished.removeAll(keepingCapacity: true)
    let expected = step & 1 == 0 ? finishing.even : finishing.odd
    guard expected > 0 else { return }
    if step & 1 == 0 { finishing.even = 0 } else { finishing.odd = 0 }
    var kept = 0
    for index in running.indices {
      let request = running[index]
      if request.isComplete, request.lastTokenStep == step {
        release(request, full: Int(request.computed) / engine.kvBlockSize)
        ledger.endRun(of: request)
        ledger.finish(request.request)
        finished.append(request.request)
      } else {
        if kept < index { running[kept] = request }
        kept += 1
      }
    }
    running.removeSubrange(kept...)
    if finished.count < expected { finishWaiting(step: step, count: expected - finished.count) }
  }

  /// Finishes requests that were preempted while their last token was in flight.
  private mutating func finishWaiting(step: Int32, count: Int) {
    var left = count
    var index = waiting.startIndex
    while left > 0 {
      let request = waiting[index]
      if request.lastTokenStep == step,
        request.tokens == requests[Int(request.request)].finalTokens
      {
        waiting.remove(at: index)
        ledger.finish(request.request)
        finished.append(request.request)
        left -= 1
      } else {
        index += 1
      }
    }
  }

  /// Blocks of a request that are full of known tokens, and so keep their content.
  ///
  /// vLLM commits a block when all of its tokens are known. Of a decode row in flight the input is
  /// known only if no row before it was in flight too.
  private func fullBlocks(of request: RunningRequest) -> Int {
    let isAhead =
      request.lastTokenStep > completedStep && request.runStart != request.lastTokenStep
    return Int(request.computed - (isAhead ? 1 : 0)) / engine.kvBlockSize
  }

  /// Lets a preempted request find its own blocks again.
  private mutating func nameOwnBlocks(of request: RunningRequest, full: Int) {
    guard pool.tracksBlocks else { return }
    let named = namedBlocks(of: request.request)
    for index in min(named, full)..<full {
      pool.name(
        index, of: request.table,
        as: PrefixIdentities.privateIdentity(of: request.request, block: index))
    }
  }

  private mutating func release(_ request: RunningRequest, full: Int) {
    pool.close(request.table, held: Int(request.capacity) / engine.kvBlockSize, full: full)
  }
}
