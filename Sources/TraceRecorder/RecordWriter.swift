/// Fills the words that were reserved for a record: its numbers, then lists of 32 bits each.
@safe struct RecordWriter {
  private let words: UnsafeMutablePointer<UInt64>
  private var count = 0
  /// Numbers of 32 bits behind the words.
  private var listed = 0

  init(_ words: UnsafeMutablePointer<UInt64>) { unsafe self.words = words }

  /// Words that so many listed numbers take.
  static func listWords(_ count: Int) -> Int { (count + 1) / 2 }

  mutating func put(_ word: UInt64) {
    unsafe words[count] = word
    count += 1
  }

  mutating func put(_ value: Int64) { put(UInt64(bitPattern: value)) }

  /// Two numbers in a word, the first in its lower half.
  mutating func put(_ low: Int32, _ high: Int32) {
    put(UInt64(UInt32(bitPattern: low)) | UInt64(UInt32(bitPattern: high)) << 32)
  }

  mutating func put(_ low: Int, _ high: Int) {
    put(Int32(truncatingIfNeeded: low), Int32(truncatingIfNeeded: high))
  }

  /// A list behind all words that were put before.
  mutating func put(_ list: Span<UInt32>) {
    unsafe list.withUnsafeBufferPointer { source in
      guard let start = source.baseAddress else { return }
      let target = unsafe UnsafeMutableRawPointer(words + count).advanced(by: 4 * listed)
      unsafe target.copyMemory(from: start, byteCount: 4 * source.count)
    }
    listed += list.count
  }

  /// A list of whole words.
  mutating func put(_ list: Span<UInt64>) {
    for index in list.indices { put(list[index]) }
  }
}
