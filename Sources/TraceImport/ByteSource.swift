/// Where a reader takes its bytes from: a file, standard input, a socket, memory.
///
/// The caller does the input and output, so that this module opens nothing and a test can cut the
/// stream anywhere. An implementation over a file descriptor passes the span's memory to `read`.
public protocol ByteSource {
  /// Overwrites the start of `buffer` with the next bytes and returns how many; 0 only at the end.
  ///
  /// Fewer bytes than fit are fine at any time. `buffer` is never empty.
  mutating func read(into buffer: inout MutableSpan<UInt8>) throws(TraceImportError) -> Int
}

/// Bytes that are in memory already.
public struct BytesInMemory: ByteSource, Sendable {
  private let bytes: [UInt8]
  private var position = 0
  /// The most bytes handed out at a time.
  private let pieceMax: Int

  /// Serves an array; smaller pieces than the reader asks for are a test's way to cut lines anywhere.
  public init(_ bytes: [UInt8], pieceMax: Int = .max) {
    self.bytes = bytes
    self.pieceMax = max(1, pieceMax)
  }

  /// Copies the next bytes.
  public mutating func read(into buffer: inout MutableSpan<UInt8>) -> Int {
    let count = min(buffer.count, pieceMax, bytes.count - position)
    for index in 0..<count { buffer[index] = bytes[position + index] }
    position += count
    return count
  }
}
