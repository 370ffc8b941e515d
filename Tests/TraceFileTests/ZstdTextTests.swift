import Testing

@testable import TraceFile

@Suite("Files of text in zstd frames")
struct ZstdTextTests {
  private let text = Array("{\"a\":1}\n{\"b\":2}\n".utf8)

  /// A frame as `zstd` writes it of a pipe: without the content's size, here of one raw block.
  private func unsized(_ content: [UInt8]) -> [UInt8] {
    let header = content.count << 3 | 1
    let block = [0, 8, 16].map { UInt8(header >> $0 & 0xFF) }
    return [0x28, 0xB5, 0x2F, 0xFD, 0x00, 0x58] + block + content
  }

  @Test("are read with a stated size, without one, and one after another")
  func forms() throws {
    let sized = try ZstdText.compressed(text)
    for (file, content) in [
      (sized, text), (unsized(text), text), (sized + unsized(text) + sized, text + text + text),
    ] {
      #expect(try ZstdText.content(of: file, path: "a.zst") == content)
    }
  }

  @Test("are one line of an error where they are cut, foreign or followed by something else")
  func broken() throws {
    let sized = try ZstdText.compressed(text)
    for whole in [sized, unsized(text)] {
      for file in (1..<whole.count).map({ Array(whole[..<$0]) }) + [whole + [1], [1] + whole] {
        let error = #expect(throws: TraceFileError.self) {
          try ZstdText.content(of: file, path: "a.zst")
        }
        #expect(error?.message.hasPrefix("'a.zst': not a zstd file of text: ") == true)
      }
    }
  }
}
