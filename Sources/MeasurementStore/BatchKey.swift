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
    var text = "attention/1 type=\(elementType) query_heads=\(context.queryHeads)"
    text += " kv_heads=\(context.kvHeads) head=\(context.headSize) block=\(context.kvBlockSize)"
    text += " padded=\(batch.summary.paddedRows) rows="
    var index = 0
    let count = batch.kvLengths.count
    while index < count {
      let query = batch.queryLengths[index]
      let kv = batch.kvLengths[index]
      var end = index + 1
      while end < count, batch.queryLengths[end] == query, batch.kvLengths[end] == kv { end += 1 }
      if index > 0 { text += "," }
      text += query == 1 ? "\(kv)" : "\(query)/\(kv)"
      if end - index > 1 { text += "*\(end - index)" }
      index = end
    }
    self.text = text
  }

  /// A key as a store or another program has written it.
  public init(text: String) { self.text = text }

  /// SHA-256 of the text, under which a store finds it.
  var digest: [UInt8] { SHA256.digest(text.utf8) }
}
