internal import CZstd

/// Whole files of text in zstd frames, as the program `zstd` reads and writes them.
public enum ZstdText {
  /// Bytes of text that one file may hold.
  private static let textBytesMax = 1 << 30
  /// Bytes of text for one byte of a file, beyond which the file is not believed.
  private static let expansionMax = 4096
  /// Bytes that decompression hands over at a time.
  private static let pieceBytes = 1 << 18

  /// One frame with its content's size and checksum.
  public static func compressed(_ content: [UInt8]) throws(TraceFileError) -> [UInt8] {
    let compressor = try ZstdCompressor().orThrow()
    do { return try compressor.frame(of: content.span) } catch {
      throw TraceFileError(.system(call: "zstd", reason: error.what), path: "zstd")
    }
  }

  /// The text of a file of zstd frames.
  ///
  /// - `path`: what errors call the file
  public static func content(of file: [UInt8], path: String) throws(TraceFileError) -> [UInt8] {
    do throws(ZstdTextError) {
      return try decompressed(file, bytesMax: textBytesMax, expansionMax: expansionMax)
    } catch {
      throw TraceFileError(
        .invalid("not a zstd file of text: \(error.reason); export it again"), path: path)
    }
  }

  /// Whether bytes begin as a zstd frame does.
  public static func isCompressed(_ bytes: [UInt8]) -> Bool {
    bytes.starts(with: [0x28, 0xB5, 0x2F, 0xFD])
  }

  /// The content of all frames, piece by piece: `zstd` states no size of what it read from a pipe.
  ///
  /// - `bytesMax`: bytes that the text may have
  /// - `expansionMax`: bytes of text for one of the file, beyond which the file is not believed
  public static func decompressed(
    _ bytes: [UInt8], bytesMax: Int, expansionMax: Int
  ) throws(ZstdTextError) -> [UInt8] {
    guard isCompressed(bytes) else {
      throw ZstdTextError(.broken, offset: 0, reason: "it does not begin as a zstd frame does")
    }
    guard let context = unsafe ZSTD_createDCtx() else {
      throw ZstdTextError(.broken, offset: 0, reason: "no memory to decompress it")
    }
    defer { _ = unsafe ZSTD_freeDCtx(context) }
    let bound = min(bytesMax, (bytes.count + 1) * expansionMax)
    var text: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: pieceBytes)
    var position = 0
    var wanted = 1  // What zstd still expects of the frame; zero at its end.
    // At the file's end zstd may still hold what the last input left in its own buffer.
    while position < bytes.count || wanted != 0 {
      let before = position
      let (status, written) = unsafe step(context, bytes, &position, &piece)
      guard ZSTD_isError(status) == 0 else {
        let why = unsafe String(cString: ZSTD_getErrorName(status))
        throw ZstdTextError(.broken, offset: before, reason: "broken zstd: \(why)")
      }
      guard written > 0 || before < bytes.count || status == 0 else {
        throw ZstdTextError(.truncated, offset: bytes.count, reason: "the zstd frame ends early")
      }
      wanted = status
      text.append(contentsOf: piece[..<written])
      guard text.count <= bound else {
        throw ZstdTextError(
          .tooLarge, offset: position, reason: "it decompresses to more than \(bound) bytes")
      }
    }
    return text
  }

  /// One call: what zstd answers, and how many bytes of `piece` it filled.
  @unsafe private static func step(
    _ context: OpaquePointer, _ bytes: [UInt8], _ position: inout Int, _ piece: inout [UInt8]
  ) -> (status: Int, written: Int) {
    let capacity = piece.count
    var taken = position
    let result = unsafe bytes.withUnsafeBytes { source in
      unsafe piece.withUnsafeMutableBytes { target in
        var input = unsafe ZSTD_inBuffer(src: source.baseAddress, size: source.count, pos: taken)
        var output = unsafe ZSTD_outBuffer(dst: target.baseAddress, size: capacity, pos: 0)
        let status = unsafe ZSTD_decompressStream(context, &output, &input)
        taken = unsafe input.pos
        return unsafe (status, output.pos)
      }
    }
    position = taken
    return (status: result.0, written: result.1)
  }
}

/// Why bytes are no frames of text, and where.
public struct ZstdTextError: Error, Hashable, Sendable {
  /// What is wrong.
  public enum Kind: Hashable, Sendable {
    /// No frames, or damaged ones.
    case broken
    /// The last frame ends early.
    case truncated
    /// More text than one may have.
    case tooLarge
  }

  /// What is wrong.
  public var kind: Kind
  /// Bytes from the start of the file.
  public var offset: Int
  /// What is wrong, in words.
  public var reason: String

  init(_ kind: Kind, offset: Int, reason: String) {
    self.kind = kind
    self.offset = offset
    self.reason = reason
  }
}

extension Optional where Wrapped: ~Copyable {
  fileprivate consuming func orThrow() throws(TraceFileError) -> Wrapped {
    guard let value = self else {
      throw TraceFileError(.system(call: "zstd", reason: "no memory"), path: "zstd")
    }
    return value
  }
}
