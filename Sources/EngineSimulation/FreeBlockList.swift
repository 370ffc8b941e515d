/// Free KV blocks in the order of their reuse: a doubly linked list in two columns.
///
/// vLLM's `FreeKVCacheBlockQueue`. Links are indexed by block number, so that a block in the middle
/// leaves in constant time when a prefix hit takes it. Block 0, which vLLM reserves as its null
/// block and never hands out, is the list's sentinel: before the first block and after the last.
struct FreeBlockList {
  private var next: [Int32]
  private var previous: [Int32]

  /// The list's end, and the block that no request can hold.
  static let sentinel: Int32 = 0

  /// A list of blocks 1 to `blocks`, in that order.
  init(blocks: Int) {
    let last = Int32(blocks)
    next = (0...last).map { $0 == last ? Self.sentinel : $0 + 1 }
    previous = (0...last).map { $0 == 0 ? last : $0 - 1 }
  }

  /// Takes the block that has been free for longest; the list must not be empty.
  mutating func popFirst() -> Int32 {
    let block = next[Int(Self.sentinel)]
    precondition(block != Self.sentinel, "a block was taken from an empty list")
    remove(block)
    return block
  }

  /// Puts a block at the end: it will be the last to be reused.
  mutating func append(_ block: Int32) {
    insert(block, after: previous[Int(Self.sentinel)])
  }

  /// Puts a block behind another, or in front of all behind the sentinel.
  mutating func insert(_ block: Int32, after place: Int32) {
    let following = next[Int(place)]
    next[Int(place)] = block
    previous[Int(block)] = place
    next[Int(block)] = following
    previous[Int(following)] = block
  }

  /// Takes a block out of the middle.
  mutating func remove(_ block: Int32) {
    let before = previous[Int(block)]
    let after = next[Int(block)]
    next[Int(before)] = after
    previous[Int(after)] = before
  }

  /// The blocks in order of reuse; for tests and checks.
  var blocks: [Int32] {
    var blocks: [Int32] = []
    var block = next[Int(Self.sentinel)]
    while block != Self.sentinel {
      blocks.append(block)
      block = next[Int(block)]
    }
    return blocks
  }
}
