import KernelSelection
import Testing

@Suite("Default graph sizes of vLLM")
struct CUDAGraphsVLLMTests {
  @Test("follow the release")
  func releases() {
    let old = CUDAGraphs.vLLM09()
    #expect(old.mode == .piecewise)
    #expect(old.captureSizes == [1, 2, 4] + Array(stride(from: 8, through: 512, by: 8)))
    #expect(old.captureSizes.count == 67)
    #expect(CUDAGraphs.vLLM011(maxSequences: 20).captureSizes == [1, 2, 4, 8, 16, 24, 32, 40])
    #expect(CUDAGraphs.vLLM011().mode == .fullAndPiecewise)
    let new = CUDAGraphs.vLLM013().captureSizes
    #expect(
      new == [1, 2, 4] + Array(stride(from: 8, through: 248, by: 8))
        + Array(stride(from: 256, through: 512, by: 16)))
    #expect(CUDAGraphs.vLLM013(maxSequences: 131).captureSizes.suffix(3) == [240, 248, 256])
    #expect(CUDAGraphs.vLLM013(maxSequences: 1).captureSizes == [1, 2])
  }

  @Test("of 0.33 hold the limits on tokens and requests where they are no larger")
  func limitsAreCaptured() {
    #expect(CUDAGraphs.vLLM033().captureSizes == CUDAGraphs.vLLM013().captureSizes)
    #expect(
      CUDAGraphs.vLLM033(maxSequences: 20, maxBatchedTokens: 30).captureSizes
        == [1, 2, 4, 8, 16, 20, 24, 30])
  }

  @Test("are found by version, what builds add behind it ignored")
  func versions() throws {
    let table: [(String, CUDAGraphs)] = [
      ("0.9.2", .vLLM09()), ("0.10.2", .vLLM09()), ("0.11.0", .vLLM011()),
      ("0.11.1", .vLLM013()), ("0.24.0", .vLLM013()), ("0.24.0rc1", .vLLM013()),
      ("0.33", .vLLM033()), ("1.0", .vLLM033()), ("0.9.2+cu126", .vLLM09()),
    ]
    for (text, graphs) in table {
      let version = try #require(VLLMVersion(text))
      #expect(CUDAGraphs.vLLM(version) == graphs, "\(text)")
    }
    #expect(CUDAGraphs.vLLM(VLLMVersion(0, 24), mode: .full).mode == .full)
    for text in ["", "0", "main", "0.", "v0.24", ".1", "99999999.1"] {
      #expect(VLLMVersion(text) == nil, "\(text)")
    }
  }
}
