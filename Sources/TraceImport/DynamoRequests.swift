import TraceModel

/// Finds out which rows of forward passes belong to one request, of which only lengths are known.
///
/// A request that had `past + extend` tokens in the cache comes back with so many as its `past`, or with
/// one more where an engine counts the token that it is about to write. Requests of equal length
/// cannot be told apart, and need not be: kernels see lengths alone.
struct DynamoRequests {
  /// Passes after which a request that did not come back is taken to have ended.
  private static let patience = 512

  private struct Live {
    var place: Int
    var lastPass: Int
    var isDecoding: Bool
  }

  /// Requests so far, with what is known of them; arrivals are their first scheduling.
  private(set) var requests: [TraceRequest] = []
  /// Rows that continue no request, although they have tokens behind them.
  private(set) var strangers = 0
  /// Those that may come back, by the tokens that they have in the cache.
  private var live: [Int32: [Live]] = [:]
  private var pass = 0

  /// Takes the rows of a pass; `isDecodeOnly` where none is of a prompt.
  mutating func take(
    _ lengths: [(extend: Int32, past: Int32)], at start: Nanoseconds, isDecodeOnly: Bool
  ) -> [StepRow] {
    pass += 1
    var next: [(Int32, Live)] = []
    var rows: [StepRow] = []
    for (extend, past) in lengths {
      let isDecode = past > 0 && (extend == 1 || isDecodeOnly)
      let request =
        continued(past, isDecode: isDecode) ?? begun(extend, past, at: start, isDecode: isDecode)
      next.append((past + extend, request))
      rows.append(
        StepRow(
          request: Int32(request.place), computed: TokenCount(past),
          queryLength: TokenCount(extend)))
      note(request.place, extend: extend, past: past, isDecode: isDecode)
    }
    for (length, request) in next { live[length, default: []].append(request) }
    if pass.isMultiple(of: Self.patience) { forget() }
    return rows
  }

  /// The request that has `past` tokens, or one less, the one seen last.
  private mutating func continued(_ past: Int32, isDecode: Bool) -> Live? {
    for length in isDecode ? [past, past - 1] : [past] where length > 0 {
      let candidates = live[length] ?? []
      let fitting = candidates.indices.filter { isDecode || !candidates[$0].isDecoding }
      guard let index = fitting.max(by: { candidates[$0].lastPass < candidates[$1].lastPass })
      else { continue }
      var found = candidates[index]
      live[length]?.remove(at: index)
      if live[length]?.isEmpty == true { live[length] = nil }
      found.lastPass = pass
      found.isDecoding = isDecode
      return found
    }
    return nil
  }

  private mutating func begun(
    _ extend: Int32, _ past: Int32, at start: Nanoseconds, isDecode: Bool
  ) -> Live {
    if isDecode { strangers += 1 }
    requests.append(
      TraceRequest(
        id: RequestID(Int64(requests.count)), arrival: start, promptTokens: .zero,
        outputTokens: .zero))
    return Live(place: requests.count - 1, lastPass: pass, isDecoding: isDecode)
  }

  /// A row of the prompt makes it longer and, as long as it is the last, gives the first token; each
  /// row of decoding gives another.
  private mutating func note(_ place: Int, extend: Int32, past: Int32, isDecode: Bool) {
    if isDecode, requests[place].promptTokens > .zero {
      requests[place].outputTokens += TokenCount(extend)
    } else {
      requests[place].promptTokens = TokenCount(past + extend)
      requests[place].outputTokens = TokenCount(1)
    }
  }

  private mutating func forget() {
    live = live.compactMapValues { requests in
      let kept = requests.filter { $0.lastPass > pass - Self.patience }
      return kept.isEmpty ? nil : kept
    }
  }
}
