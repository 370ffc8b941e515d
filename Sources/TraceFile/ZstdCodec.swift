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

  /// One frame, with its content's size and checksum.
  func frame(of content: Span<UInt8>) throws(Corruption) -> [UInt8] {
    let bound = ZSTD_compressBound(content.count)
    var failure: String?
    let frame = unsafe [UInt8](unsafeUninitializedCapacity: bound) { buffer, count in
      let written = unsafe content.withUnsafeBytes { source in
        unsafe ZSTD_compress2(context, buffer.baseAddress, bound, source.baseAddress, source.count)
      }
      if ZSTD_isError(written) == 0 {
        count = written
      } else {
        unsafe failure = String(cString: ZSTD_getErrorName(written))
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

  /// The content of one frame that must be exactly `size` bytes; the caller has bounded `size`.
  func content(of frame: Span<UInt8>, size: Int) throws(Corruption) -> [UInt8] {
    let stated = unsafe frame.withUnsafeBytes { bytes in
      (
        size: unsafe ZSTD_getFrameContentSize(bytes.baseAddress, bytes.count),
        frame: unsafe ZSTD_findFrameCompressedSize(bytes.baseAddress, bytes.count)
      )
    }
    guard stated.size == UInt64(size), stated.frame == frame.count else {
      throw Corruption("the zstd frame does not state the size that the chunk does")
    }
    var failure: String?
    let content = unsafe [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
      let written = unsafe frame.withUnsafeBytes { source in
        unsafe ZSTD_decompressDCtx(
          context, buffer.baseAddress, size, source.baseAddress, source.count)
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
