/// The bytes of a trace around contents of chunks that a fuzzer made up.
///
/// Made by hand after `FORMAT.md`, with zstd frames of raw blocks, so that a change of the writer does not change what is fuzzed.
struct AssembledTrace {
  private(set) var bytes: [UInt8] = []
  private var index: [UInt8] = []
  private var chunkCount = 0
  private var firstItems: [UInt8: Int] = [:]

  init(contents input: [UInt8]) {
    bytes = [0x89] + Array("REPRISE".utf8) + Self.fixed(1, 4)
    bytes += Self.fixed(Self.checksum(bytes[...]), 4)
    append(kind: 1, items: 1, content: Array("{}".utf8)[...])
    // Three requests that rows can name, of 5, 9 and 3 prompt tokens and 4 output tokens each.
    append(kind: 2, items: 3, content: [0, 2, 3, 1, 4, 1, 5, 9, 3, 4, 4, 4])
    var rest = input[...]
    while rest.count >= 5, chunkCount < 20 {
      let head = Array(rest.prefix(5))
      rest = rest.dropFirst(5)
      let size = min(Int(head[3]) | Int(head[4]) << 8, rest.count)
      append(kind: head[0] % 8, items: Int(head[1]) | Int(head[2]) << 8, content: rest.prefix(size))
      rest = rest.dropFirst(size)
    }
    let start = bytes.count
    let entries = index
    append(kind: 5, items: chunkCount, content: (Self.varint(chunkCount) + entries)[...])
    let tail = Self.fixed(start, 8) + Self.fixed(bytes.count - start, 4)
    bytes += tail + Self.fixed(Self.checksum(tail[...]), 4) + Array("REPREND\n".utf8)
  }

  private mutating func append(kind: UInt8, items: Int, content: ArraySlice<UInt8>) {
    // Magic, a single segment with a content size of 4 bytes, one raw block that is the last.
    var payload: [UInt8] = [0x28, 0xb5, 0x2f, 0xfd, 0xa0] + Self.fixed(content.count, 4)
    payload += Self.fixed(content.count << 3 | 1, 3) + content
    // What items take is held against the payload's size; zeros behind a frame are allowed.
    payload += Array(repeating: 0, count: max(0, items / 64 + 1 - payload.count))
    var header = Array("RCHK".utf8) + Self.fixed(Int(kind), 4) + Self.fixed(payload.count, 4)
    header += Self.fixed(content.count, 4) + Self.fixed(items, 4) + Self.fixed(0, 4)
    header += Self.fixed(firstItems[kind, default: 0], 8)
    header += Self.fixed(Self.checksum(payload[...]), 4)
    header += Self.fixed(Self.checksum(header[...]), 4)
    bytes += header + payload
    guard kind != 5 else { return }
    index += Self.varint(Int(kind)) + Self.varint(header.count + payload.count)
    index += Self.varint(items) + (kind == 3 ? [0, 0] : [])
    firstItems[kind, default: 0] += items
    chunkCount += 1
  }

  private static func fixed(_ value: Int, _ size: Int) -> [UInt8] {
    (0..<size).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }

  private static func varint(_ value: Int) -> [UInt8] {
    value < 0x80 ? [UInt8(value)] : [UInt8(value & 0x7f) | 0x80] + varint(value >> 7)
  }

  private static func checksum(_ bytes: ArraySlice<UInt8>) -> Int {
    var value: UInt32 = .max
    for byte in bytes {
      value ^= UInt32(byte)
      for _ in 0..<8 { value = value & 1 == 1 ? 0x82f6_3b78 ^ (value >> 1) : value >> 1 }
    }
    return Int(~value)
  }
}
