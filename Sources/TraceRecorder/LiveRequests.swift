internal import TraceModel

/// A request that is not known to have ended.
struct LiveRequest {
  /// All 64 bits of its number.
  var id: UInt64
  var arrival: Int64
  var promptTokens: Int32
  var outputLimit: Int32
  /// Empty where too many are kept already.
  var prefixBlocks: [UInt64]
  /// Its place among all requests of the recorder.
  var sequence: Int
  /// Its place in the file that is being written; -1 before it is in one.
  var place: Int32 = -1
  /// Tokens of it in the cache after its last row that was looked at.
  var length: UInt32 = 0

  /// The request as a trace has it before its end is known: with the most tokens it may generate.
  var traceRequest: TraceRequest {
    TraceRequest(
      id: RequestID(Int64(clamping: id)), arrival: Nanoseconds(arrival),
      promptTokens: TokenCount(promptTokens), outputTokens: TokenCount(outputLimit),
      prefixBlocks: prefixBlocks)
  }
}

/// The requests that rows may name, and that the next file begins with.
struct LiveRequests {
  private var requests: [UInt32: LiveRequest] = [:]
  private var nextSequence = 0
  private var prefixBlockCount = 0

  subscript(number: UInt32) -> LiveRequest? { requests[number] }

  /// Adds a request, in place of an older one of the same number.
  mutating func add(_ number: UInt32, _ request: LiveRequest) {
    remove(number)
    var request = request
    request.sequence = nextSequence
    nextSequence += 1
    requests[number] = request
    prefixBlockCount += request.prefixBlocks.count
    if requests.count > RecorderLimits.requestsLive { forgetOldest() }
  }

  /// Notes where in the file a request is, and lets go of prefix blocks that are too many to keep.
  mutating func setPlace(_ place: Int32, of number: UInt32) {
    requests[number]?.place = place
    if prefixBlockCount > RecorderLimits.prefixBlocksLive {
      prefixBlockCount -= requests[number]?.prefixBlocks.count ?? 0
      requests[number]?.prefixBlocks = []
    }
  }

  mutating func setLength(_ length: UInt32, of number: UInt32) {
    requests[number]?.length = length
  }

  @discardableResult
  mutating func remove(_ number: UInt32) -> LiveRequest? {
    let removed = requests.removeValue(forKey: number)
    prefixBlockCount -= removed?.prefixBlocks.count ?? 0
    return removed
  }

  /// The numbers of all, in the order in which they were added.
  var inOrder: [UInt32] { requests.sorted { $0.value.sequence < $1.value.sequence }.map(\.key) }

  /// Forgets the older half: a caller that never says that requests end must not fill the memory.
  private mutating func forgetOldest() {
    for number in inOrder.prefix(requests.count / 2) { remove(number) }
  }
}
