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
    var scanner = KeyScanner(text)
    guard scanner.skip("attention/1 type="), let type = scanner.word(),
      scanner.skip(" query_heads="), let queryHeads = scanner.number(),
      scanner.skip(" kv_heads="), let kvHeads = scanner.number(),
      scanner.skip(" head="), let headSize = scanner.number(),
      scanner.skip(" block="), let blockSize = scanner.number(),
      scanner.skip(" padded="), let padded = scanner.number(), scanner.skip(" rows="),
      min(queryHeads, kvHeads, headSize, blockSize) >= 1, let rows = scanner.rows(),
      (rows.count...MeasurementLimits.batchRowsMax).contains(Int(padded))
    else { return nil }
    return DescribedBatch(
      batch: AttentionBatch(rows: rows, paddedRows: Int(padded)), queryHeads: Int(queryHeads),
      kvHeads: Int(kvHeads), headSize: Int(headSize), kvBlockSize: Int(blockSize),
      elementType: type)
  }

  /// The batch of the rows that a key's text ends in, such as `500,2048/4096,1000*3`.
  public static func batch(ofRows text: String) -> AttentionBatch? {
    var scanner = KeyScanner(text)
    return scanner.rows().map { AttentionBatch(rows: $0) }
  }
}

/// Reads a key's text byte by byte; a replay reads tens of thousands of them.
private struct KeyScanner {
  private let bytes: [UInt8]
  private var place = 0

  init(_ text: String) { bytes = Array(text.utf8) }

  private var next: UInt8? { place < bytes.count ? bytes[place] : nil }

  /// Goes behind `words`, if they come next.
  mutating func skip(_ words: StaticString) -> Bool {
    let wanted = words.description.utf8
    guard bytes[place...].starts(with: wanted) else { return false }
    place += wanted.count
    return true
  }

  /// What stands before the next space.
  mutating func word() -> String? {
    let end = bytes[place...].firstIndex(of: UInt8(ascii: " ")) ?? bytes.count
    defer { place = end }
    return String(validating: bytes[place..<end], as: UTF8.self)
  }

  /// Digits, as a number.
  mutating func number() -> Int32? {
    var value: Int32?
    while let byte = next, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) {
      let (tens, overflow) = (value ?? 0).multipliedReportingOverflow(by: 10)
      let (sum, carry) = tens.addingReportingOverflow(Int32(byte - UInt8(ascii: "0")))
      guard !overflow, !carry else { return nil }
      value = sum
      place += 1
    }
    return value
  }

  /// One byte, if it comes next.
  private mutating func takes(_ byte: Unicode.Scalar) -> Bool {
    guard next == UInt8(ascii: byte) else { return false }
    place += 1
    return true
  }

  /// `KV`, `QUERY/KV`, either times `*COUNT`, separated by commas, to the end.
  mutating func rows() -> [(queryLength: Int32, kvLength: Int32)]? {
    var rows: [(queryLength: Int32, kvLength: Int32)] = []
    guard next != nil else { return rows }
    repeat {
      guard let first = number() else { return nil }
      var row = (queryLength: Int32(1), kvLength: first)
      if takes("/") {
        guard let kv = number() else { return nil }
        row = (first, kv)
      }
      var count = 1
      if takes("*") {
        guard let times = number() else { return nil }
        count = Int(times)
      }
      guard count >= 1, rows.count + count <= MeasurementLimits.batchRowsMax else { return nil }
      for _ in 0..<count { rows.append(row) }
    } while takes(",")
    return next == nil ? rows : nil
  }
}
