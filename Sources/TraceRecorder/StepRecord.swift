/// A step as it lies in the ring.
///
/// | word | lower half | upper half |
/// |---|---|---|
/// | 0 | head; flag 1: all rows, not changes of the step before | |
/// | 1, 2, 3 | number, scheduling's start and end in ns | |
/// | 4 | waiting | running |
/// | 5 | free KV blocks | count of preempted |
/// | 6 | steps dropped before this one | |
/// | 7 | count of removed | count of changed |
/// | 8 | count of added | |
/// | 9 … | lists of 32 bits: preempted, removed; changed requests, computed, queries; added ones | |
struct StepRecord {
  static let allRows: UInt8 = 1
  static let wordCount = 9

  var number: Int64 = 0
  var scheduleStart: Int64 = 0
  var scheduleEnd: Int64 = 0
  var waiting: Int32 = -1
  var running: Int32 = -1
  var freeKVBlocks: Int32 = -1
  var dropped: UInt64 = 0
  var isAllRows = false
  var preempted: [UInt32] = []
  var removed: [UInt32] = []
  var changed = RowLists()
  var added = RowLists()

  /// Whether the rows are those of the step before, each one token further.
  var isSame: Bool { !isAllRows && removed.isEmpty && changed.isEmpty && added.isEmpty }

  /// Overwrites the record with one taken from the ring.
  mutating func read(_ words: [UInt64]) {
    isAllRows = RecordHead(word: words[0]).flags & Self.allRows != 0
    number = Int64(bitPattern: words[1])
    scheduleStart = Int64(bitPattern: words[2])
    scheduleEnd = Int64(bitPattern: words[3])
    (waiting, running) = words[4].halves
    let (free, preemptedCount) = words[5].halves
    freeKVBlocks = free
    dropped = words[6]
    let (removedCount, changedCount) = words[7].halves
    var reader = ListReader(words, from: Self.wordCount)
    reader.read(Int(preemptedCount), into: &preempted)
    reader.read(Int(removedCount), into: &removed)
    changed.read(Int(changedCount), from: &reader)
    added.read(Int(words[8].halves.low), from: &reader)
  }
}

/// Rows as three lists of the same length.
struct RowLists {
  var requests: [UInt32] = []
  var computed: [UInt32] = []
  var queries: [UInt32] = []

  var isEmpty: Bool { requests.isEmpty }

  mutating func read(_ count: Int, from reader: inout ListReader) {
    reader.read(count, into: &requests)
    reader.read(count, into: &computed)
    reader.read(count, into: &queries)
  }
}

/// Reads the lists behind a record's words.
struct ListReader {
  private let words: [UInt64]
  private var place: Int

  init(_ words: [UInt64], from word: Int) {
    self.words = words
    place = 2 * word
  }

  mutating func read(_ count: Int, into list: inout [UInt32]) {
    list.removeAll(keepingCapacity: true)
    for index in place..<(place + count) {
      list.append(UInt32(truncatingIfNeeded: words[index / 2] >> (32 * UInt64(index & 1))))
    }
    place += count
  }
}

extension UInt64 {
  /// The two signed numbers that a word holds.
  var halves: (low: Int32, high: Int32) {
    (Int32(truncatingIfNeeded: self), Int32(truncatingIfNeeded: self >> 32))
  }
}
