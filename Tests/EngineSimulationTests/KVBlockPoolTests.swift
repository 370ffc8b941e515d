import TestSupport
import Testing

@testable import EngineSimulation

@Suite("KV block pool")
struct KVBlockPoolTests {
  @Test("Blocks are handed out in order and come back behind those that are free already")
  func order() {
    var pool = KVBlockPool(blocks: 6, tracksBlocks: true)
    let first = pool.open()
    pool.take(3, for: first)
    let second = pool.open()
    pool.take(1, for: second)
    // Blocks 1 and 2 keep their content, block 3 does not: it goes to the front.
    pool.close(first, held: 3, full: 2)
    #expect(pool.freeOrder == [3, 5, 6, 2, 1])
    #expect(pool.freeCount == 5)
    pool.close(second, held: 1, full: 1)
    #expect(pool.freeOrder == [3, 5, 6, 2, 1, 4])
  }

  @Test("Blocks that are full in no part keep their reverse order at the front")
  func empties() {
    var pool = KVBlockPool(blocks: 5, tracksBlocks: true)
    let table = pool.open()
    pool.take(3, for: table)
    pool.close(table, held: 3, full: 0)
    #expect(pool.freeOrder == [3, 2, 1, 4, 5])
  }

  @Test("A shared block is free when its last holder has given it back")
  func sharing() {
    var pool = KVBlockPool(blocks: 4, tracksBlocks: true)
    let first = pool.open()
    pool.take(1, for: first)
    pool.name(0, of: first, as: 77)
    let second = pool.open()
    pool.share(1, with: second)
    pool.close(first, held: 1, full: 1)
    #expect(pool.freeCount == 3)
    pool.close(second, held: 1, full: 1)
    #expect(pool.freeOrder == [2, 3, 4, 1])
    #expect(pool.block(holding: 77) == 1)
    let third = pool.open()
    pool.share(1, with: third)
    #expect(pool.freeOrder == [2, 3, 4])
    pool.close(third, held: 1, full: 1)
    let fourth = pool.open()
    pool.take(4, for: fourth)
    #expect(pool.block(holding: 77) == nil, "a block that is taken anew loses its content")
  }

  @Test("A pool that only counts has as many free blocks as one that tells them apart")
  func counting() {
    var pools = [true, false].map { KVBlockPool(blocks: 9, tracksBlocks: $0) }
    for index in pools.indices {
      let first = pools[index].open()
      pools[index].take(4, for: first)
      let second = pools[index].open()
      pools[index].take(3, for: second)
      pools[index].close(first, held: 4, full: 2)
    }
    #expect(pools.map(\.freeCount) == [6, 6])
    #expect(pools.map(\.isConsistent) == [true, true])
  }

  @Test(
    "The identity table agrees with a dictionary of lists", arguments: 1...8 as ClosedRange<UInt64>)
  func identities(seed: UInt64) {
    print("identity table, seed \(seed)")
    var random = SeededGenerator(seed: seed)
    let blocks = Int32.random(in: 1...40, using: &random)
    var table = BlockIdentityTable(blocks: Int(blocks))
    var lists: [UInt64: [Int32]] = [:]
    for _ in 0..<2000 {
      let block = Int32.random(in: 1...blocks, using: &random)
      let identity = table.identity(of: block)
      if identity == BlockIdentityTable.none {
        // Few identities, so that they collide; some far apart, as private ones are.
        let next =
          UInt64.random(in: 1...20, using: &random) << (Bool.random(using: &random) ? 0 : 40)
        table.insert(block, as: next)
        lists[next, default: []].append(block)
      } else {
        table.remove(block)
        lists[identity]?.removeAll { $0 == block }
      }
      for (identity, list) in lists where table.first(identity) != list.first {
        Issue.record(
          "identity \(identity): \(String(describing: table.first(identity))) and \(list)")
        return
      }
    }
  }
}
