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
  /// Places in the file of requests that were forgotten, which may have rows all the same: as many as a
  /// file holds at most.
  private var forgottenPlaces: [UInt32: Int32] = [:]
  private var nextSequence = 0
  private var prefixBlockCount = 0

  subscript(number: UInt32) -> LiveRequest? { requests[number] }

  /// Where a request is in the file that is being written, also a forgotten one; `nil` before it is.
  func place(of number: UInt32) -> Int32? {
    guard let place = requests[number]?.place else { return forgottenPlaces[number] }
    return place < 0 ? nil : place
  }

  /// Forgets where forgotten requests are: another file begins.
  mutating func beginFile() { forgottenPlaces.removeAll() }

  /// Adds a request, in place of an older one of the same number.
  mutating func add(_ number: UInt32, _ request: LiveRequest) {
    remove(number)
    forgottenPlaces[number] = nil
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
  ///
  /// Their places in the file stay, because it takes no request a second time.
  private mutating func forgetOldest() {
    for number in inOrder.prefix(requests.count / 2) {
      forgottenPlaces[number] = place(of: number)
      remove(number)
    }
  }
}
