import KernelSelection
import StepTiming
import Testing
import TraceModel

@Suite("Output layers")
struct OutputLayerTests {
  /// Kernels of 1 to 8, 9 to 16, 17 to 24 and more rows; those of more than 24 are the second's again.
  private static let layer = OutputLayer(
    parts: [(1, 0), (9, 1), (17, 2), (25, 1)].map { .init(rows: $0, kernel: $1) },
    layerTokens: ["1-8,300-320", "", "17-24"].compactMap(SizeSet.init(text:)))

  private static func loaded(
    graphs: [Int] = [], mostRows: Int = 12, mostTokens: Int = 2048,
    warmedUp: ServedSizes? = ServedSizes()
  ) throws -> LoadedKernels {
    LoadedKernels(
      try #require(layer), graphs: CUDAGraphs(mode: .full, captureSizes: graphs),
      maxSequences: mostRows, maxBatchedTokens: mostTokens, warmUp: warmedUp)
  }

  private static func served(rows: Int = 0, tokens: Int = 0) -> ServedSizes {
    var sizes = ServedSizes()
    sizes.rows.insert(rows)
    sizes.tokens.insert(tokens)
    return sizes
  }

  private static func waits(_ kernels: LoadedKernels, _ rows: [Int]) -> [Int] {
    var kernels = kernels
    return rows.filter { kernels.waits(rows: $0, launch: .piecewise(paddedTokens: 64)) }
  }

  @Test("wait once for a kernel, which no launch before has loaded")
  func once() throws {
    let rows = [0, 1, 8, 9, 16, 17, 20, 25, 100]
    #expect(Self.waits(try Self.loaded(), rows) == [1, 17], "the second is that of the most rows")
    #expect(Self.waits(try Self.loaded(mostRows: 4), rows) == [9, 17])
    #expect(Self.waits(try Self.loaded(warmedUp: Self.served(rows: 7)), rows) == [17])
    #expect(
      Self.waits(try Self.loaded(warmedUp: Self.served(rows: 17)), rows) == [1, 17],
      "more than the most rows count for nothing")
  }

  @Test("have kernels of the layers loaded with graphs, a full budget and steps of their own")
  func layers() throws {
    #expect(Self.waits(try Self.loaded(graphs: [4, 24]), [1, 17]) == [])
    #expect(Self.waits(try Self.loaded(graphs: [16]), [1, 17]) == [1, 17])
    #expect(Self.waits(try Self.loaded(mostTokens: 310), [1, 17]) == [17])
    #expect(Self.waits(try Self.loaded(warmedUp: Self.served(tokens: 310)), [1, 17]) == [17])
    var kernels = try Self.loaded()
    let isWaiting = [
      kernels.waits(rows: 2, launch: .eager(tokens: 300)),
      kernels.waits(rows: 20, launch: .eager(tokens: 321)),
    ]
    #expect(isWaiting == [false, true])
  }

  @Test("are taken for warm up to the largest graph where nothing is said, and all without graphs")
  func unsaid() throws {
    #expect(
      Self.waits(try Self.loaded(graphs: [16], mostRows: 64, warmedUp: nil), [1, 17]) == [17])
    #expect(Self.waits(try Self.loaded(mostRows: 64, warmedUp: nil), [1, 17]) == [])
    #expect(Self.waits(LoadedKernels(), [1, 17]) == [])
  }

  @Test("sizes that were served, beyond those of graphs, are no more new")
  func served() throws {
    var sizes = ServedSizes()
    for tokens in [8, 300] { sizes.tokens.insert(tokens) }
    var kernels = try Self.loaded(graphs: [16], warmedUp: sizes)
    #expect(
      [8, 300, 299, 306, 306].map { kernels.isNewSize(tokens: $0) } == [
        true, false, false, true, false,
      ])
  }

  @Test("of which nothing is known have a kernel for 8 rows")
  func unknown() {
    let kernels = LoadedKernels(
      .unknown, graphs: CUDAGraphs(mode: .full, captureSizes: [16]), maxSequences: 256,
      maxBatchedTokens: 2048)
    #expect(Self.waits(kernels, [16, 17, 24, 25, 249]) == [17, 25])
  }

  @Test(
    "need parts that ascend from one row on, each with a kernel",
    arguments: [
      [], [(2, 0)], [(1, 0), (1, 0)], [(1, 0), (9, 1)],
    ])
  func refused(parts: [(Int, Int)]) {
    #expect(
      OutputLayer(parts: parts.map { .init(rows: $0, kernel: $1) }, layerTokens: [SizeSet()]) == nil
    )
  }
}
