public import KernelSelection

/// What a batch's canonical text says.
public struct DescribedBatch: Sendable {
  /// The rows, padded as they were launched and ordered.
  public var batch: AttentionBatch
  /// Query heads on one GPU.
  public var queryHeads: Int
  /// KV heads on one GPU.
  public var kvHeads: Int
  /// Elements of a head.
  public var headSize: Int
  /// Tokens in a KV block.
  public var kvBlockSize: Int
  /// The element type of the KV cache.
  public var elementType: String

  /// The heads and cache on a GPU of so many SMs, without graphs: padding is in the batch already.
  public func context(smCount: Int) -> AttentionContext {
    AttentionContext(
      queryHeads: queryHeads, kvHeads: kvHeads, headSize: headSize, kvBlockSize: kvBlockSize,
      smCount: smCount, graphs: CUDAGraphs(mode: .none, captureSizes: []))
  }
}

extension BatchKey {
  /// Reads the text back; `nil` for a text of another grammar.
  public var described: DescribedBatch? {
    let parts = text.split(separator: " ", omittingEmptySubsequences: false)
    guard parts.count == 8, parts[0] == "attention/1" else { return nil }
    func value(_ index: Int, _ key: String) -> Substring? {
      parts[index].hasPrefix(key + "=") ? parts[index].dropFirst(key.utf8.count + 1) : nil
    }
    func number(_ index: Int, _ key: String) -> Int? {
      value(index, key).flatMap { Int($0) }.flatMap { $0 >= 1 ? $0 : nil }
    }
    guard let type = value(1, "type"), let queryHeads = number(2, "query_heads"),
      let kvHeads = number(3, "kv_heads"), let headSize = number(4, "head"),
      let blockSize = number(5, "block"), let padded = value(6, "padded").flatMap({ Int($0) }),
      let rows = value(7, "rows").flatMap(Self.rows),
      (rows.count...MeasurementLimits.batchRowsMax).contains(padded)
    else { return nil }
    return DescribedBatch(
      batch: AttentionBatch(rows: rows, paddedRows: padded), queryHeads: queryHeads,
      kvHeads: kvHeads, headSize: headSize, kvBlockSize: blockSize, elementType: String(type))
  }

  /// The batch of the rows that a key's text ends in, such as `500,2048/4096,1000*3`.
  public static func batch(ofRows text: String) -> AttentionBatch? {
    rows(Substring(text)).map { AttentionBatch(rows: $0) }
  }

  /// `KV`, `QUERY/KV`, either times `*COUNT`, separated by commas.
  private static func rows(
    _ text: Substring
  ) -> [(queryLength: Int32, kvLength: Int32)]? {
    var rows: [(queryLength: Int32, kvLength: Int32)] = []
    for part in text.split(separator: ",") {
      let times = part.split(separator: "*", omittingEmptySubsequences: false)
      let lengths = times[0].split(separator: "/", omittingEmptySubsequences: false).map {
        Int32($0)
      }
      guard let kv = lengths.last ?? nil, let query = lengths.count == 2 ? lengths[0] : 1,
        lengths.count <= 2, times.count <= 2, query >= 0, kv >= 0,
        let count = times.count == 2 ? Int(times[1]) : 1,
        (1...MeasurementLimits.batchRowsMax).contains(count),
        rows.count + count <= MeasurementLimits.batchRowsMax
      else { return nil }
      rows += Array(repeating: (queryLength: query, kvLength: kv), count: count)
    }
    return rows
  }
}
