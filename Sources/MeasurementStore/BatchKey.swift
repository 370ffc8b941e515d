public import KernelSelection

/// A batch as far as a kernel can see it, in one canonical text.
///
/// Two batches share measurements exactly where their texts are equal. Rows keep the engine's order:
/// CTAs are handed out in it, so a kernel's time may depend on it.
public struct BatchKey: Hashable, Sendable {
  /// The canonical text; README.md beside this file gives its grammar.
  public let text: String

  /// The key of a batch under heads, KV blocks and the element type of the KV cache (`bf16`, …).
  public init(_ batch: AttentionBatch, in context: AttentionContext, elementType: String) {
    // Bytes, since a replay makes tens of thousands of keys.
    var text: [UInt8] = []
    text.reserveCapacity(96 + elementType.utf8.count + 8 * batch.kvLengths.count)
    text.append(contentsOf: "attention/1 type=".utf8)
    text.append(contentsOf: elementType.utf8)
    text.append(" query_heads=", context.queryHeads)
    text.append(" kv_heads=", context.kvHeads)
    text.append(" head=", context.headSize)
    text.append(" block=", context.kvBlockSize)
    text.append(" padded=", batch.summary.paddedRows)
    text.append(contentsOf: " rows=".utf8)
    var index = 0
    let count = batch.kvLengths.count
    while index < count {
      let query = batch.queryLengths[index]
      let kv = batch.kvLengths[index]
      var end = index + 1
      while end < count, batch.queryLengths[end] == query, batch.kvLengths[end] == kv { end += 1 }
      if index > 0 { text.append(UInt8(ascii: ",")) }
      if query != 1 {
        text.appendDecimal(Int(query))
        text.append(UInt8(ascii: "/"))
      }
      text.appendDecimal(Int(kv))
      if end - index > 1 {
        text.append(UInt8(ascii: "*"))
        text.appendDecimal(end - index)
      }
      index = end
    }
    self.text = String(decoding: text, as: UTF8.self)
  }

  /// A key as a store or another program has written it.
  public init(text: String) { self.text = text }

  /// SHA-256 of the text, under which a store finds it.
  var digest: [UInt8] { SHA256.digest(text.utf8) }
}

extension [UInt8] {
  fileprivate mutating func append(_ words: String, _ value: Int) {
    append(contentsOf: words.utf8)
    appendDecimal(value)
  }

  /// Appends the digits of a number.
  fileprivate mutating func appendDecimal(_ value: Int) {
    guard value >= 0 else { return append(contentsOf: "\(value)".utf8) }
    let start = count
    var rest = value
    repeat {
      append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10))
      rest /= 10
    } while rest > 0
    var (low, high) = (start, count - 1)
    while low < high {
      swapAt(low, high)
      low += 1
      high -= 1
    }
  }
}
