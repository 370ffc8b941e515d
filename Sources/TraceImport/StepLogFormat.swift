/// The forms of recorded steps that can be read.
public enum StepLogFormat: String, CaseIterable, Sendable {
  /// `engine-step-log/1`, which any engine can print.
  case engineStepLog = "engine-step-log"
  /// NVIDIA Dynamo's forward-pass metrics with the lengths of each request.
  case dynamoFPM = "dynamo-fpm"

  /// What the first line of a log looks like; `nil` if it could be either.
  public init?(detecting text: [UInt8]) {
    if text.contains(#""kind""#) {
      self = .engineStepLog
      return
    }
    for word in [#""dynamo.fpm.trace."#, #""scheduled_requests""#] where text.contains(word) {
      self = .dynamoFPM
      return
    }
    return nil
  }
}

/// A source whose first bytes were looked at already.
public struct PeekedSource: ByteSource {
  /// The bytes up to the first line's end, or what there is of them.
  public let firstLine: [UInt8]
  private var source: any ByteSource
  private let peeked: [UInt8]
  private var position = 0

  /// Reads as far as the first line goes.
  public init(_ source: any ByteSource) throws(TraceImportError) {
    var source = source
    var peeked: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: ImportLimits.chunkBytes)
    while !peeked.contains(0x0A), peeked.count < ImportLimits.lineBytesMax {
      let count = try Self.read(&source, into: &buffer)
      guard count > 0 else { break }
      peeked += buffer[..<count]
    }
    firstLine = Array(peeked.prefix { $0 != 0x0A })
    self.source = source
    self.peeked = peeked
  }

  private static func read(
    _ source: inout any ByteSource, into bytes: inout [UInt8]
  ) throws(TraceImportError) -> Int {
    var span = bytes.mutableSpan
    return try source.read(into: &span)
  }

  /// Gives the bytes looked at, then the others.
  public mutating func read(
    into buffer: inout MutableSpan<UInt8>
  ) throws(TraceImportError) -> Int {
    guard position < peeked.count else { return try source.read(into: &buffer) }
    let count = min(buffer.count, peeked.count - position)
    for index in 0..<count { buffer[index] = peeked[position + index] }
    position += count
    return count
  }
}

extension [UInt8] {
  /// Whether the bytes of a word come one behind the other.
  fileprivate func contains(_ word: String) -> Bool {
    let word = Array(word.utf8)
    guard count >= word.count else { return false }
    return (0...(count - word.count)).contains { start in
      (0..<word.count).allSatisfy { self[start + $0] == word[$0] }
    }
  }
}
