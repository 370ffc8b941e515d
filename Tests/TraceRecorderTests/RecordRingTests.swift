import Synchronization
import Testing

@testable import TraceRecorder

@Suite("The ring between the engine and the writing thread")
struct RecordRingTests {
  /// Puts a record of some words, each the number, into the ring.
  private func put(_ number: UInt64, words: Int, into ring: RecordRing, spare: Int = 0) -> Bool {
    guard let place = unsafe ring.reserve(words + 1, spare: spare) else { return false }
    var writer = unsafe RecordWriter(place)
    writer.put(RecordHead(kind: .gpuTime, wordCount: words + 1).word)
    for _ in 0..<words { writer.put(number) }
    ring.commit()
    return true
  }

  @Test("a full ring takes nothing more until something is taken from it")
  func full() {
    let ring = RecordRing(byteCount: 65_536)
    var count: UInt64 = 0
    while put(count, words: 99, into: ring) { count += 1 }
    #expect(Int(count) == ring.capacity / 100)
    #expect(ring.usedMax <= ring.capacity)
    var record: [UInt64] = []
    #expect(ring.take(into: &record))
    #expect(record.dropFirst().allSatisfy { $0 == 0 } && record.count == 100)
    // The first place is free again, but a record lies in one piece: what is left behind is skipped.
    #expect(!put(count, words: 149, into: ring))
    #expect(!put(count, words: 99, into: ring, spare: 1))
    #expect(put(count, words: 99, into: ring))
    for expected in 1...count {
      #expect(ring.take(into: &record) && record[1] == expected)
    }
    #expect(!ring.take(into: &record))
  }

  @Test("records of any length come out in order on another thread")
  func concurrent() async {
    let ring = RecordRing(byteCount: 8192)
    let count: UInt64 = 20_000
    async let consumed: UInt64 = {
      var record: [UInt64] = []
      var next: UInt64 = 0
      while next < count {
        guard ring.take(into: &record) else {
          await Task.yield()
          continue
        }
        let isWhole = record.count == 2 + Int(next % 97)
        guard isWhole, record.dropFirst().allSatisfy({ $0 == next }) else { return next }
        next += 1
      }
      return next
    }()
    var number: UInt64 = 0
    while number < count {
      if put(number, words: 1 + Int(number % 97), into: ring) {
        number += 1
      } else {
        await Task.yield()
      }
    }
    #expect(await consumed == count)
  }
}
