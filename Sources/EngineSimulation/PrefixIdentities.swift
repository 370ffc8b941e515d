import TraceModel

/// Names the content of prompts' KV blocks, so that equal prefixes can be found.
///
/// A trace names prefixes in its own granularity (512 tokens in Mooncake's), the pool holds blocks
/// of `kvBlockSize`. A prefix block's identity implies all tokens before it, so the last token of a
/// KV block, named by its prefix block and its place in there, implies the whole KV block and its
/// past. Identities are dense numbers from 1, found once per replay rather than once per look-up.
struct PrefixIdentities: Sendable {
  private let kvBlockSize: Int
  private let prefixBlockTokens: Int
  /// Ends of KV blocks fall on multiples of this within a prefix block.
  private let stride: Int
  private let placesPerBlock: Int
  /// All requests' prefix blocks, renumbered, and where each request's begin.
  private var blocks: [Int32] = []
  private var starts: [Int] = [0]

  /// Numbers the prefix blocks of all requests; `nil` where no request has any.
  init?(requests: [TraceRequest], prefixBlockTokens: Int?, kvBlockSize: Int) {
    guard let prefixBlockTokens, EngineLimits.prefixBlockTokens.contains(prefixBlockTokens),
      requests.contains(where: { !$0.prefixBlocks.isEmpty })
    else { return nil }
    self.kvBlockSize = kvBlockSize
    self.prefixBlockTokens = prefixBlockTokens
    stride = greatestCommonDivisor(kvBlockSize, prefixBlockTokens)
    placesPerBlock = prefixBlockTokens / stride
    var numbers: [UInt64: Int32] = [:]
    for request in requests {
      for block in request.prefixBlocks {
        let next = Int32(numbers.count)
        let number = numbers[block, default: next]
        if number == next { numbers[block] = next }
        blocks.append(number)
      }
      starts.append(blocks.count)
    }
  }

  /// How many KV blocks of a request's prompt have a name: the full ones that its prefix covers.
  func namedBlocks(of request: Int, promptTokens: Int) -> Int {
    let covered = (starts[request + 1] - starts[request]) * prefixBlockTokens
    return min(covered, promptTokens) / kvBlockSize
  }

  /// The identity of a request's KV block, which must be a named one.
  func identity(of request: Int, block: Int) -> UInt64 {
    let lastToken = (block + 1) * kvBlockSize - 1
    let (prefixBlock, place) = lastToken.quotientAndRemainder(dividingBy: prefixBlockTokens)
    let number = Int(blocks[starts[request] + prefixBlock])
    return UInt64(number * placesPerBlock + place / stride + 1)
  }

  /// The identity of a block that only its own request can name: how a preempted request finds
  /// what is left of its own past.
  static func privateIdentity(of request: Int32, block: Int) -> UInt64 {
    1 << 63 | UInt64(UInt32(request)) << 32 | UInt64(UInt32(block))
  }
}

private func greatestCommonDivisor(_ a: Int, _ b: Int) -> Int {
  var (a, b) = (a, b)
  while b != 0 { (a, b) = (b, a % b) }
  return a
}
