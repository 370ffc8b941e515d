/// Pairs summed over blocks of consecutive requests, which a resample draws whole.
///
/// Requests next to each other share batches and queues, so their differences are correlated; drawing
/// them one by one would make intervals too narrow (Künsch 1989). Blocks have about n^(1/3) requests, the
/// exponent that is best for the variance of a mean (Hall, Horowitz and Jing 1995), but at least 32
/// blocks remain, or one a request below that, and at most 256.
struct ConsecutiveBlocks {
  /// A block's requests, and sums over them.
  struct Block {
    var pairs: Double
    var difference: Double
    var baseline: Double
  }

  private(set) var blocks: [Block] = []

  /// Blocks over the pairs (a, b) in order; sizes differ by one at most.
  init(a: [Double], b: [Double]) {
    let count = Self.count(forPairs: a.count)
    blocks.reserveCapacity(count)
    var start = 0
    for index in 0..<count {
      let end = a.count * (index + 1) / count
      var block = Block(pairs: Double(end - start), difference: 0, baseline: 0)
      for pair in start..<end {
        block.difference += b[pair] - a[pair]
        block.baseline += a[pair]
      }
      blocks.append(block)
      start = end
    }
  }

  /// How many blocks so many pairs are cut into.
  static func count(forPairs pairs: Int) -> Int {
    var length = 1
    while length * length * length < pairs { length += 1 }
    let wished = max(pairs / length, BootstrapLimits.blocksMin)
    return min(pairs, wished, BootstrapLimits.blocksMax)
  }
}
