import DequeModule
import KernelSelection
import TraceModel

/// How requests come from the queue into the running list.
extension Scheduler {
  mutating func admitWaiting(
    step: Int32, time: Nanoseconds, budget: inout Int32, limit: Int32, batch: inout AttentionBatch
  ) {
    while budget > 0, running.count < engine.places, let head = waiting.first {
      if let blocked, blocked == (head.request, pool.generation) { return }
      let hits = cachedBlocks(of: head)
      let recorded = head.isResumed ? 0 : requests[Int(head.request)].recordedHits
      let computed = max(Int32(hits.blocks.count * engine.kvBlockSize), recorded)
      let length = min(head.tokens - computed, limit, budget)
      guard let missing = blocksToTake(for: head, computed: computed, length: length, hits: hits)
      else { return }
      waiting.removeFirst()
      let table = pool.open()
      for block in hits.blocks { pool.share(block, with: table) }
      pool.take(missing, for: table)
      ledger.admit(head, at: time, hits: computed)
      running.append(
        RunningRequest(
          request: head.request, table: table,
          finalTokens: requests[Int(head.request)].finalTokens,
          namedTokens: Int32(namedBlocks(of: head.request) * engine.kvBlockSize),
          computed: computed, tokens: head.tokens,
          capacity: Int32((hits.blocks.count + missing) * engine.kvBlockSize)))
      budget -= length
      addRow(of: running.count - 1, length: length, step: step, batch: &batch)
    }
  }

  /// How many new blocks a waiting request needs for its first row; `nil` where it does not fit.
  ///
  /// Blocks that hit but are free count too: they stop being free.
  private mutating func blocksToTake(
    for head: WaitingRequest, computed: Int32, length: Int32, hits: (blocks: [Int32], free: Int)
  ) -> Int? {
    func missing(for tokens: Int32) -> Int {
      (Int(tokens) + engine.kvBlockSize - 1) / engine.kvBlockSize - hits.blocks.count
    }
    let reserved = hits.free + (running.isEmpty ? 0 : engine.watermarkBlocks)
    if engine.reservesFullPrompt, missing(for: head.tokens) + reserved > pool.freeCount {
      // With a watermark it may fit as soon as nobody runs, which the pool does not show.
      if engine.watermarkBlocks == 0 { blocked = (head.request, pool.generation) }
      return nil
    }
    let count = missing(for: computed + length)
    return count + reserved > pool.freeCount ? nil : count
  }

  /// The longest run of a request's leading blocks that the pool still has, and how many are free.
  ///
  /// At least one token is always computed, so that there is something to sample from.
  private func cachedBlocks(of head: WaitingRequest) -> (blocks: [Int32], free: Int) {
    guard engine.prefixCaching else { return ([], 0) }
    let named = namedBlocks(of: head.request)
    let most = Int(head.tokens - 1) / engine.kvBlockSize
    let last = head.isResumed ? most : min(most, named)
    var hits: (blocks: [Int32], free: Int) = ([], 0)
    for index in 0..<last {
      let identity = identity(of: head.request, block: index, named: named)
      guard let block = pool.block(holding: identity) else { break }
      hits.blocks.append(block)
      hits.free += pool.isFree(block) ? 1 : 0
    }
    return hits
  }

  /// How many leading blocks of a request's prompt other requests can name.
  func namedBlocks(of request: Int32) -> Int {
    guard let prefixes else { return 0 }
    return prefixes.namedBlocks(
      of: Int(request), promptTokens: Int(requests[Int(request)].promptTokens))
  }

  /// A block's name: the one that all requests share, or one of the request's own.
  func identity(of request: Int32, block: Int, named: Int) -> UInt64 {
    if let prefixes, block < named { return prefixes.identity(of: Int(request), block: block) }
    return PrefixIdentities.privateIdentity(of: request, block: block)
  }
}
