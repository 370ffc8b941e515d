/// Which KV blocks hold which content: identity to blocks, and back.
///
/// vLLM's `BlockHashToBlockMap`. Several blocks may hold the same content, since vLLM never merges
/// blocks after the fact; a look-up gives the one registered first. They form a ring of links, and
/// the table names its head.
///
/// The table is open-addressed with linear probing and closes the holes that removal leaves. It
/// never grows: there are at most as many identities as blocks, and twice as many places.
struct BlockIdentityTable {
  /// The identity of a block that holds nothing nameable.
  static let none: UInt64 = 0

  private var keys: [UInt64]
  private var heads: [Int32]
  private let shift: UInt64
  private let mask: Int
  /// Identity of each block, and its neighbours among the blocks of the same identity.
  private var identities: [UInt64]
  private var nextSame: [Int32]
  private var previousSame: [Int32]

  /// A table for blocks 1 to `blocks`.
  init(blocks: Int) {
    var bits = 4
    while 1 << bits < 2 * blocks { bits += 1 }
    keys = Array(repeating: Self.none, count: 1 << bits)
    heads = Array(repeating: 0, count: 1 << bits)
    shift = UInt64(64 - bits)
    mask = (1 << bits) - 1
    identities = Array(repeating: Self.none, count: blocks + 1)
    nextSame = Array(repeating: 0, count: blocks + 1)
    previousSame = Array(repeating: 0, count: blocks + 1)
  }

  /// What a block holds; `none` where nobody can name it.
  func identity(of block: Int32) -> UInt64 { identities[Int(block)] }

  /// The block that has held this content for longest.
  func first(_ identity: UInt64) -> Int32? {
    let place = place(of: identity)
    return keys[place] == identity ? heads[place] : nil
  }

  /// Names the content of a block that has no name yet.
  mutating func insert(_ block: Int32, as identity: UInt64) {
    precondition(identities[Int(block)] == Self.none, "a block cannot hold two contents")
    identities[Int(block)] = identity
    let place = place(of: identity)
    if keys[place] == identity {
      let head = Int(heads[place])
      let last = previousSame[head]
      nextSame[Int(last)] = block
      previousSame[Int(block)] = last
      nextSame[Int(block)] = Int32(head)
      previousSame[head] = block
    } else {
      keys[place] = identity
      heads[place] = block
      nextSame[Int(block)] = block
      previousSame[Int(block)] = block
    }
  }

  /// Forgets what a block holds; nothing happens to one without a name.
  mutating func remove(_ block: Int32) {
    let identity = identities[Int(block)]
    guard identity != Self.none else { return }
    identities[Int(block)] = Self.none
    let place = place(of: identity)
    let next = nextSame[Int(block)]
    guard next != block else { return vacate(place) }
    let previous = previousSame[Int(block)]
    nextSame[Int(previous)] = next
    previousSame[Int(next)] = previous
    if heads[place] == block { heads[place] = next }
  }

  /// Where an identity is, or the free place where it would go.
  private func place(of identity: UInt64) -> Int {
    var place = home(of: identity)
    while keys[place] != identity, keys[place] != Self.none { place = (place + 1) & mask }
    return place
  }

  /// Fibonacci hashing: identities are small consecutive numbers, which it spreads well.
  private func home(of identity: UInt64) -> Int {
    Int((identity &* 0x9E37_79B9_7F4A_7C15) >> shift)
  }

  /// Frees a place and moves back what had probed over it.
  private mutating func vacate(_ place: Int) {
    var hole = place
    var probe = (place + 1) & mask
    while keys[probe] != Self.none {
      let distance = (probe - home(of: keys[probe])) & mask
      if distance >= (probe - hole) & mask {
        keys[hole] = keys[probe]
        heads[hole] = heads[probe]
        hole = probe
      }
      probe = (probe + 1) & mask
    }
    keys[hole] = Self.none
  }
}
