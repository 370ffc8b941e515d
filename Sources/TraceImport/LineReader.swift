/// Cuts a stream of bytes into lines, with one buffer that grows only as far as the longest line.
struct LineReader {
  private var source: any ByteSource
  /// The name that errors give the source.
  let name: String
  /// The buffer; `line` is a part of it until the next `advance`.
  private(set) var bytes: [UInt8]
  /// The current line in `bytes`, without its line end.
  private(set) var line = 0..<0
  /// The current line's number, counted from 1.
  private(set) var number = 0
  /// Whether the current line was the last and had no line end.
  private(set) var isUnterminated = false
  /// Where the unread bytes begin and end.
  private var unread = 0..<0
  private var reachedEnd = false

  init(_ source: any ByteSource, name: String) {
    self.source = source
    self.name = name
    bytes = [UInt8](repeating: 0, count: ImportLimits.chunkBytes)
  }

  /// Moves to the next line; `false` at the end of the source.
  mutating func advance() throws(TraceImportError) -> Bool {
    var searched = unread.lowerBound
    while true {
      if let end = newline(from: searched) {
        take(unread.lowerBound..<end, next: end + 1)
        return true
      }
      searched = unread.upperBound
      guard !reachedEnd else { return takeRest() }
      searched -= unread.lowerBound
      try fill()
    }
  }

  /// An error about the current line.
  func error(_ fault: LineFault) -> TraceImportError {
    // JSON that ends early on a whole line is malformed; only the source's end can cut a line off.
    let kind = fault.kind == .truncated && !isUnterminated ? .malformed : fault.kind
    return TraceImportError(kind, source: name, line: number, reason: fault.reason)
  }

  private func newline(from start: Int) -> Int? {
    let span = bytes.span
    var index = start
    while index < unread.upperBound {
      if span[index] == 0x0A { return index }
      index += 1
    }
    return nil
  }

  /// Makes a range the current line, less a carriage return at its end.
  private mutating func take(_ range: Range<Int>, next: Int) {
    let hasReturn = !range.isEmpty && bytes[range.upperBound - 1] == 0x0D
    line = range.lowerBound..<(range.upperBound - (hasReturn ? 1 : 0))
    unread = next..<max(next, unread.upperBound)
    number += 1
  }

  /// Takes what is behind the last line end as a line of its own, if there is anything.
  private mutating func takeRest() -> Bool {
    guard !unread.isEmpty else {
      line = 0..<0
      return false
    }
    isUnterminated = true
    take(unread, next: unread.upperBound)
    return true
  }

  /// Moves the unread bytes to the front and reads more behind them.
  private mutating func fill() throws(TraceImportError) {
    let count = unread.count
    if unread.lowerBound > 0 {
      // A slice of the array would make it copy itself before it is written.
      for index in 0..<count { bytes[index] = bytes[unread.lowerBound + index] }
      unread = 0..<count
    }
    if count == bytes.count {
      guard count < ImportLimits.lineBytesMax else {
        throw TraceImportError(
          .malformed, source: name, line: number + 1,
          reason: "line longer than \(ImportLimits.lineBytesMax) bytes; is this a text file?")
      }
      bytes += [UInt8](repeating: 0, count: min(count, ImportLimits.lineBytesMax - count))
    }
    let got = try Self.read(&source, into: &bytes, from: count)
    reachedEnd = got == 0
    unread = 0..<(count + got)
  }

  private static func read(
    _ source: inout any ByteSource, into bytes: inout [UInt8], from start: Int
  ) throws(TraceImportError) -> Int {
    var all = bytes.mutableSpan
    var free = all._mutatingExtracting(start...)
    let room = free.count
    let got = try source.read(into: &free)
    precondition(
      (0...room).contains(got), "a byte source returned more bytes than it was asked for")
    return got
  }
}
