internal import CZstd

/// A zstd compressor that is kept from frame to frame.
@safe struct ZstdCompressor: ~Copyable {
  private let context: OpaquePointer

  init?() {
    guard let context = unsafe ZSTD_createCCtx() else { return nil }
    unsafe self.context = context
    _ = unsafe ZSTD_CCtx_setParameter(
      context, ZSTD_c_compressionLevel, TraceFileLimits.compressionLevel)
    _ = unsafe ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1)
    _ = unsafe ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 1)
  }

  deinit { _ = unsafe ZSTD_freeCCtx(context) }

  /// One frame with its content's size and checksum; at each boundary a new block starts.
  ///
  /// Columns differ in what their bytes are like: blocks of their own give each its own codes.
  func frame(of content: Span<UInt8>, boundaries: [Int] = []) throws(Corruption) -> [UInt8] {
    // A flushed block costs three bytes and may hold literals as they are.
    let bound = ZSTD_compressBound(content.count) + 16 * (boundaries.count + 1)
    let ends = boundaries.filter { $0 > 0 && $0 < content.count } + [content.count]
    var failure: String?
    let frame = unsafe [UInt8](unsafeUninitializedCapacity: bound) { buffer, count in
      unsafe content.withUnsafeBytes { source in
        var output = unsafe ZSTD_outBuffer(dst: buffer.baseAddress, size: bound, pos: 0)
        var input = unsafe ZSTD_inBuffer(src: source.baseAddress, size: 0, pos: 0)
        var status = unsafe ZSTD_CCtx_reset(context, ZSTD_reset_session_only)
        if ZSTD_isError(status) == 0 {
          status = unsafe ZSTD_CCtx_setPledgedSrcSize(context, UInt64(source.count))
        }
        for end in ends where ZSTD_isError(status) == 0 {
          unsafe input.size = end
          let directive = end == source.count ? ZSTD_e_end : ZSTD_e_flush
          status = unsafe ZSTD_compressStream2(context, &output, &input, directive)
        }
        if ZSTD_isError(status) == 0, status == 0 {
          count = unsafe output.pos
        } else {
          failure = unsafe String(cString: ZSTD_getErrorName(status))
        }
      }
    }
    if let failure { throw Corruption("zstd: \(failure)") }
    return frame
  }
}

/// A zstd decompressor that is kept from frame to frame.
@safe struct ZstdDecompressor: ~Copyable {
  private let context: OpaquePointer

  init?() {
    guard let context = unsafe ZSTD_createDCtx() else { return nil }
    unsafe self.context = context
  }

  deinit { _ = unsafe ZSTD_freeDCtx(context) }

  /// The content of the frame at the start of `frame`, which must be exactly `size` bytes.
  ///
  /// Only zeros may stand behind it. The caller has bounded `size`.
  func content(of frame: Span<UInt8>, size: Int) throws(Corruption) -> [UInt8] {
    let stated = unsafe frame.withUnsafeBytes { bytes in
      (
        size: unsafe ZSTD_getFrameContentSize(bytes.baseAddress, bytes.count),
        frame: unsafe ZSTD_findFrameCompressedSize(bytes.baseAddress, bytes.count)
      )
    }
    guard ZSTD_isError(stated.frame) == 0, stated.size == UInt64(size),
      stated.frame <= frame.count
    else { throw Corruption("the zstd frame does not state the size that the chunk does") }
    for index in stated.frame..<frame.count where frame[index] != 0 {
      throw Corruption("bytes behind the zstd frame")
    }
    var failure: String?
    let content = unsafe [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
      let written = unsafe frame.withUnsafeBytes { source in
        unsafe ZSTD_decompressDCtx(
          context, buffer.baseAddress, size, source.baseAddress, stated.frame)
      }
      if ZSTD_isError(written) != 0 {
        unsafe failure = String(cString: ZSTD_getErrorName(written))
      } else if written != size {
        failure = "the content is shorter than stated"
        count = written
      } else {
        count = written
      }
    }
    if let failure { throw Corruption("zstd: \(failure)") }
    return content
  }
}
