/// The engine's KV memory: blocks that requests hold, and blocks that keep their content until reuse.
///
/// vLLM's `BlockPool`. Blocks are taken from the front of the free list; those of a finished or
/// preempted request go back in reverse, so that the end of its context is reused before the
/// beginning. A block that is full keeps its content while it is free and goes to the list's end;
/// one that is not goes to the front (since vLLM 0.24), or to the end as well.
///
/// Without prefix caching no block is ever found again, so none needs a number: the pool then counts.
/// A holder is named by its *table*, a number that `open()` gives.
struct KVBlockPool {
  /// Blocks that requests may hold; the null block is not one of them.
  let blockCount: Int
  /// Blocks that nobody holds, whether or not they still have content.
  private(set) var freeCount: Int
  /// Changes whenever a request that did not fit might fit now.
  private(set) var generation = 0
  /// Whether blocks are told apart, or only counted.
  let tracksBlocks: Bool
  /// Whether blocks that are not full go to the front of the free list.
  let takesNamelessBlocksFirst: Bool

  private var free: FreeBlockList
  private var holders: [Int32]
  private var contents: BlockIdentityTable
  private var tables: [[Int32]] = []
  private var unusedTables: [Int32] = []

  /// A pool in which all blocks are free and empty.
  init(blocks: Int, tracksBlocks: Bool, takesNamelessBlocksFirst: Bool = true) {
    self.takesNamelessBlocksFirst = takesNamelessBlocksFirst
    blockCount = blocks
    freeCount = blocks
    self.tracksBlocks = tracksBlocks
    free = FreeBlockList(blocks: tracksBlocks ? blocks : 0)
    holders = Array(repeating: 0, count: tracksBlocks ? blocks + 1 : 0)
    contents = BlockIdentityTable(blocks: tracksBlocks ? blocks : 0)
  }

  /// Starts an empty table.
  mutating func open() -> Int32 {
    guard tracksBlocks else { return 0 }
    if let table = unusedTables.popLast() { return table }
    tables.append([])
    return Int32(tables.count - 1)
  }

  /// Adds `count` empty blocks to a table; there must be as many free.
  mutating func take(_ count: Int, for table: Int32) {
    freeCount -= count
    precondition(freeCount >= 0, "more blocks were taken than are free")
    guard tracksBlocks else { return }
    for _ in 0..<count {
      let block = free.popFirst()
      contents.remove(block)
      holders[Int(block)] = 1
      tables[Int(table)].append(block)
    }
  }

  /// Adds a block found by `block(holding:)` to a table.
  mutating func share(_ block: Int32, with table: Int32) {
    if isFree(block) {
      free.remove(block)
      freeCount -= 1
    }
    holders[Int(block)] += 1
    tables[Int(table)].append(block)
  }

  /// Gives a table's `held` blocks back and ends it; the first `full` of them keep their content.
  mutating func close(_ table: Int32, held: Int, full: Int) {
    generation += 1
    guard tracksBlocks else {
      freeCount += held
      return
    }
    var front = FreeBlockList.sentinel
    for index in tables[Int(table)].indices.reversed() {
      let block = tables[Int(table)][index]
      holders[Int(block)] -= 1
      guard isFree(block) else { continue }
      freeCount += 1
      if index < full || !takesNamelessBlocksFirst {
        free.append(block)
      } else {
        free.insert(block, after: front)
        front = block
      }
    }
    tables[Int(table)].removeAll(keepingCapacity: true)
    unusedTables.append(table)
  }

  /// Names the content of a table's block, unless it has a name.
  mutating func name(_ index: Int, of table: Int32, as identity: UInt64) {
    let block = tables[Int(table)][index]
    guard contents.identity(of: block) == BlockIdentityTable.none else { return }
    contents.insert(block, as: identity)
    generation += 1
  }

  /// A block that holds this content, the oldest such one.
  func block(holding identity: UInt64) -> Int32? { contents.first(identity) }

  /// Whether nobody holds a block.
  func isFree(_ block: Int32) -> Bool { holders[Int(block)] == 0 }

  /// The blocks of a table, in the order of the context.
  func blocks(of table: Int32) -> [Int32] { tracksBlocks ? tables[Int(table)] : [] }

  /// Whether the books agree: the free list has the blocks that nobody holds, and tables hold the rest.
  var isConsistent: Bool {
    guard tracksBlocks else { return (0...blockCount).contains(freeCount) }
    let listed = free.blocks
    var references = Array(repeating: Int32(0), count: blockCount + 1)
    for block in tables.joined() { references[Int(block)] += 1 }
    return listed.count == freeCount && Set(listed).count == freeCount
      && listed.allSatisfy { holders[Int($0)] == 0 } && references == holders
      && holders.dropFirst().count { $0 > 0 } + freeCount == blockCount
  }
}
