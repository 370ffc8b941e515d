internal import TraceModel

/// How many tokens a request generated that was written with the most it might generate.
struct RequestEnd {
  /// The request's place.
  var request: Int32
  /// Tokens generated for it.
  var outputTokens: TokenCount
}

/// Ends of requests, as the content of one chunk.
///
/// Column 1: the request's place, as a signed difference from one more than that of the end before (from
/// 0 for the first). Column 2: its output tokens.
enum EndCoding {
  private static let request: UInt64 = 1
  private static let outputTokens: UInt64 = 2

  static func content(of ends: [RequestEnd]) -> ChunkContent {
    var content = ChunkContent()
    var next: Int64 = 0
    content.add(
      column: request,
      signed: ends.map { end in
        defer { next = Int64(end.request) + 1 }
        return Int64(end.request) - next
      })
    content.add(column: outputTokens, ends.map { UInt64($0.outputTokens.rawValue) })
    return content
  }

  /// The ends in a chunk's content; `requestCount` requests come before it or elsewhere in the file.
  static func ends(
    of bytes: [UInt8], count: Int, requestCount: Int
  ) throws(Corruption) -> [RequestEnd] {
    let content = try ChunkContentReader(bytes, itemCount: count)
    let places = try content.signed(request)
    let outputs = try content.unsigned(outputTokens)
    var ends: [RequestEnd] = []
    ends.reserveCapacity(count)
    var next: Int64 = 0
    for index in 0..<count {
      let place = next &+ places[index]
      guard (0..<Int64(requestCount)).contains(place) else {
        throw Corruption("the end of a request that is not in the trace")
      }
      guard outputs[index] <= UInt64(TraceFileLimits.tokensMax) else {
        throw Corruption("a request's tokens are out of range")
      }
      ends.append(
        RequestEnd(request: Int32(place), outputTokens: TokenCount(Int32(outputs[index]))))
      next = place + 1
    }
    return ends
  }
}

extension TraceRequest {
  /// Takes the tokens generated; what was thought of as these until now is the limit.
  mutating func end(with tokens: TokenCount) {
    outputLimit = outputLimit ?? outputTokens
    outputTokens = tokens
  }
}
