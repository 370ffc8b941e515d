/// The sizes that vLLM captures when none are given, by release.
///
/// A batch is padded to the smallest size that holds its tokens; one with more tokens than the largest
/// size runs without graph, launched kernel by kernel, and attention sees its real rows.
extension CUDAGraphs {
  /// vLLM 0.9 and 0.10: 1, 2, 4 and multiples of 8 up to 512; graphs around attention.
  public static func vLLM09(
    mode: CUDAGraphMode = .piecewise, maxBatchedTokens: Int = 8192
  ) -> CUDAGraphs {
    CUDAGraphs(mode: mode, captureSizes: sizes(upTo: min(512, maxBatchedTokens), coarseFrom: nil))
  }

  /// vLLM 0.11.0: as 0.9, but no larger than twice the requests at once; full graphs for decode.
  public static func vLLM011(
    mode: CUDAGraphMode = .fullAndPiecewise, maxSequences: Int = 1024, maxBatchedTokens: Int = 8192
  ) -> CUDAGraphs {
    let largest = min(2 * maxSequences, 512, maxBatchedTokens)
    return CUDAGraphs(mode: mode, captureSizes: sizes(upTo: largest, coarseFrom: nil))
  }

  /// vLLM since 2025-10-24 (284cc92): 1, 2, 4, multiples of 8 below 256, of 16 from there to 512.
  public static func vLLM013(
    mode: CUDAGraphMode = .fullAndPiecewise, maxSequences: Int = 1024, maxBatchedTokens: Int = 8192
  ) -> CUDAGraphs {
    let largest = min(2 * maxSequences, 512, maxBatchedTokens)
    return CUDAGraphs(mode: mode, captureSizes: sizes(upTo: largest, coarseFrom: 256))
  }

  /// vLLM 0.33: as 0.13, and the limits on tokens and requests themselves where they are no larger.
  public static func vLLM033(
    mode: CUDAGraphMode = .fullAndPiecewise, maxSequences: Int = 1024, maxBatchedTokens: Int = 8192
  ) -> CUDAGraphs {
    let largest = min(2 * maxSequences, 512, maxBatchedTokens)
    var sizes = sizes(upTo: largest, coarseFrom: 256)
    for limit in [maxBatchedTokens, maxSequences] where limit <= largest && !sizes.contains(limit) {
      sizes.append(limit)
    }
    return CUDAGraphs(mode: mode, captureSizes: sizes)
  }

  /// What a release captures by default; `nil` mode means the release's own.
  public static func vLLM(
    _ version: VLLMVersion, mode: CUDAGraphMode? = nil, maxSequences: Int = 1024,
    maxBatchedTokens: Int = 8192
  ) -> CUDAGraphs {
    if version < VLLMVersion(0, 11) {
      return vLLM09(mode: mode ?? .piecewise, maxBatchedTokens: maxBatchedTokens)
    }
    let mode = mode ?? .fullAndPiecewise
    // 0.11.0 is of 2025-10-02, 0.11.1 of November, after 284cc92.
    let rule =
      version < VLLMVersion(0, 11, 1) ? vLLM011 : version < VLLMVersion(0, 33) ? vLLM013 : vLLM033
    return rule(mode, maxSequences, maxBatchedTokens)
  }

  private static func sizes(upTo largest: Int, coarseFrom coarse: Int?) -> [Int] {
    var sizes = [1, 2, 4].filter { $0 <= largest }
    var size = 8
    while size <= largest {
      sizes.append(size)
      if let coarse, size >= coarse { size += 16 } else { size += 8 }
    }
    return sizes
  }
}
