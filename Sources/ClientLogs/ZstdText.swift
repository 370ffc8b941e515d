internal import CZstd

/// Texts that may be compressed with zstd, as one array.
enum ZstdText {
  /// The first bytes of every zstd frame.
  private static let magic: [UInt8] = [0x28, 0xB5, 0x2F, 0xFD]

  /// Whether bytes begin as a zstd frame does.
  static func isCompressed(_ bytes: [UInt8]) -> Bool { bytes.starts(with: magic) }

  /// All frames decompressed; bytes that are no frame as they are.
  static func decompressed(_ bytes: [UInt8], source: String) throws(ClientLogError) -> [UInt8] {
    guard isCompressed(bytes) else { return bytes }
    guard let context = unsafe ZSTD_createDCtx() else {
      throw ClientLogError(.malformed, source: source, reason: "no memory to decompress it")
    }
    defer { _ = unsafe ZSTD_freeDCtx(context) }
    var text: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: ClientLogLimits.pieceBytes)
    var position = 0
    var wanted = 1  // What zstd still expects of the frame; zero at its end.
    while position < bytes.count {
      let before = position
      let (status, written) = unsafe Self.step(context, bytes, &position, &piece)
      guard ZSTD_isError(status) == 0 else {
        let why = unsafe String(cString: ZSTD_getErrorName(status))
        throw ClientLogError(
          .malformed, source: source, place: "byte \(before)",
          reason: "broken zstd: \(why); copy the file again")
      }
      wanted = status
      text.append(contentsOf: piece[..<written])
      let bound = min(
        ClientLogLimits.textBytesMax, (bytes.count + 1) * ClientLogLimits.expansionMax)
      guard text.count <= bound else {
        throw ClientLogError(
          .malformed, source: source, place: "byte \(position)",
          reason: "decompresses to more than \(bound) bytes; is this a client log?")
      }
    }
    // What the last input left in zstd's own buffer.
    while wanted != 0 {
      let (status, written) = unsafe Self.step(context, bytes, &position, &piece)
      guard written > 0, ZSTD_isError(status) == 0 else {
        throw ClientLogError(
          .truncated, source: source, place: "byte \(bytes.count)",
          reason: "the zstd frame ends early; copy the file again")
      }
      wanted = status
      text.append(contentsOf: piece[..<written])
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
