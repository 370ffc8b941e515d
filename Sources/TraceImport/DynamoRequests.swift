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
    var isDecoding: Bool
  }

  /// Those of one length that were in the same pass, in its order; the first `taken` went on.
  private struct Peers {
    var pass: Int
    var requests: [Live]
    var taken = 0
  }

  /// Requests so far, with what is known of them; arrivals are their first scheduling.
  private(set) var requests: [TraceRequest] = []
  /// Rows that continue no request, although they have tokens behind them.
  private(set) var strangers = 0
  /// Those that may come back, by the tokens that they have in the cache, the last pass last.
  private var live: [Int32: [Peers]] = [:]
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
    for (length, request) in next { keep(request, length) }
    if pass.isMultiple(of: Self.patience) { forget() }
    return rows
  }

  private mutating func keep(_ request: Live, _ length: Int32) {
    var peers = live[length] ?? []
    if let last = peers.indices.last, peers[last].pass == pass {
      peers[last].requests.append(request)
    } else {
      peers.append(Peers(pass: pass, requests: [request]))
    }
    live[length] = peers
  }

  /// The request that has `past` tokens, or one less: of those seen last the first.
  private mutating func continued(_ past: Int32, isDecode: Bool) -> Live? {
    for length in isDecode ? [past, past - 1] : [past] {
      // Taken out, so that it is changed where it lies.
      guard length > 0, var peers = live.removeValue(forKey: length) else { continue }
      let found = Self.take(from: &peers, isDecode: isDecode)
      if !peers.isEmpty { live[length] = peers }
      if var found {
        found.isDecoding = isDecode
        return found
      }
    }
    return nil
  }

  private static func take(from peers: inout [Peers], isDecode: Bool) -> Live? {
    for index in peers.indices.reversed() {
      let taken = peers[index].taken
      // A prompt goes on only where none of it has been decoded.
      guard
        let place = peers[index].requests[taken...].firstIndex(where: { isDecode || !$0.isDecoding }
        )
      else { continue }
      peers[index].requests.swapAt(taken, place)
      peers[index].taken += 1
      let found = peers[index].requests[taken]
      if peers[index].taken == peers[index].requests.count { peers.remove(at: index) }
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
    return Live(place: requests.count - 1, isDecoding: isDecode)
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
    live = live.compactMapValues { peers in
      let kept = peers.filter { $0.pass > pass - Self.patience }
      return kept.isEmpty ? nil : kept
    }
  }
}
