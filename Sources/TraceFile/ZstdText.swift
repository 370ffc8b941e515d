internal import CZstd

/// Whole files of text in one zstd frame, as the program `zstd` reads and writes them.
public enum ZstdText {
  /// Bytes of text that one file may hold.
  private static let textBytesMax: UInt64 = 1 << 30
  /// Bytes of text for one byte of a file, beyond which the file is not believed.
  private static let expansionMax: UInt64 = 4096

  /// One frame with its content's size and checksum.
  public static func compressed(_ content: [UInt8]) throws(TraceFileError) -> [UInt8] {
    let compressor = try ZstdCompressor().orThrow()
    do { return try compressor.frame(of: content.span) } catch {
      throw TraceFileError(.system(call: "zstd", reason: error.what), path: "zstd")
    }
  }

  /// The text of a file that holds one frame.
  ///
  /// - `path`: what errors call the file
  public static func content(of file: [UInt8], path: String) throws(TraceFileError) -> [UInt8] {
    func invalid(_ what: String) -> TraceFileError {
      TraceFileError(.invalid("not a zstd file of text: \(what); export it again"), path: path)
    }
    let size = unsafe file.withUnsafeBytes {
      unsafe ZSTD_getFrameContentSize($0.baseAddress, $0.count)
    }
    // Two values beyond any size stand for an unknown size and for other bytes.
    guard size <= textBytesMax, size <= UInt64(file.count) * expansionMax else {
      throw invalid("it states no size of its content, or one that it cannot have")
    }
    let decompressor = try ZstdDecompressor().orThrow()
    do { return try decompressor.content(of: file.span, size: Int(size)) } catch {
      throw invalid(error.what)
    }
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
