internal import Synchronization

/// A ring of records between the engine's threads and the writing one.
///
/// Words of 64 bits; a record lies in one piece and begins with a `RecordHead`, which says its length.
/// Where a record would not fit before the ring's end, a head without a kind fills what is left.
///
/// Two counts of words ever only grow: `written`, stored by the producer with release after the
/// record's words and loaded by the consumer with acquire before it reads them; and `read`, the same
/// with the parts exchanged. Neither side waits for the other. One producer at a time: the recorder's
/// lock sees to that.
@safe final class RecordRing: @unchecked Sendable {
  /// Words, a power of two.
  let capacity: Int
  private let words: UnsafeMutablePointer<UInt64>
  private let written = Atomic<Int>(0)
  private let read = Atomic<Int>(0)
  /// Where the record that is being made will end; the producer's.
  private var end = 0
  /// The most words that were ever in use; the producer's.
  private(set) var usedMax = 0

  /// A ring of at least so many bytes.
  init(byteCount: Int) {
    var capacity = 1024
    while capacity * 8 < byteCount { capacity *= 2 }
    self.capacity = capacity
    unsafe words = .allocate(capacity: capacity)
    unsafe words.initialize(repeating: 0, count: capacity)
  }

  deinit { unsafe words.deallocate() }

  /// Room for a record of `count` words, where `spare` more stay free; `nil` if there is none.
  ///
  /// The record is the consumer's to see once `commit` is called.
  func reserve(_ count: Int, spare: Int) -> UnsafeMutablePointer<UInt64>? {
    let start = written.load(ordering: .relaxed)
    let place = start & (capacity - 1)
    let skipped = capacity - place < count ? capacity - place : 0
    let used = start + skipped + count - read.load(ordering: .acquiring)
    guard used + spare <= capacity else { return nil }
    if skipped > 0 {
      unsafe words[place] = RecordHead(kind: .filler, flags: 0, wordCount: skipped).word
    }
    end = start + skipped + count
    usedMax = max(usedMax, used)
    return unsafe words + ((start + skipped) & (capacity - 1))
  }

  /// Hands the reserved record to the consumer.
  func commit() { written.store(end, ordering: .releasing) }

  /// Copies the next record into `record` and frees its place; `false` where none is there.
  func take(into record: inout [UInt64]) -> Bool {
    let available = written.load(ordering: .acquiring)
    var place = read.load(ordering: .relaxed)
    while place < available {
      let start = unsafe words + (place & (capacity - 1))
      let head = RecordHead(word: unsafe start.pointee)
      place += head.wordCount
      if head.kind != .filler {
        record.removeAll(keepingCapacity: true)
        unsafe record.append(
          contentsOf: UnsafeBufferPointer(start: start, count: head.wordCount))
        read.store(place, ordering: .releasing)
        return true
      }
      read.store(place, ordering: .releasing)
    }
    return false
  }
}

/// The first word of a record: kind in the lowest byte, flags in the next, words in the upper half.
struct RecordHead {
  /// What a record says.
  enum Kind: UInt8 {
    case filler = 0
    case request, step, output, finish, gpuTime
  }

  var kind: Kind
  var flags: UInt8
  /// Words of the record, the head included.
  var wordCount: Int

  init(kind: Kind, flags: UInt8 = 0, wordCount: Int) {
    self.kind = kind
    self.flags = flags
    self.wordCount = wordCount
  }

  init(word: UInt64) {
    kind = Kind(rawValue: UInt8(truncatingIfNeeded: word)) ?? .filler
    flags = UInt8(truncatingIfNeeded: word >> 8)
    wordCount = Int(word >> 32)
  }

  var word: UInt64 { UInt64(kind.rawValue) | UInt64(flags) << 8 | UInt64(wordCount) << 32 }
}
