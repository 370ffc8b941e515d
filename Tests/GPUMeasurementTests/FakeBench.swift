import CUDADriver
import CUDADriverFake
import GPUMeasurement
import KernelImages
import KernelManifestSample
import KernelSelection
import TraceModel

/// A bench on a driver without a GPU.
struct FakeBench {
  static let context = AttentionContext(
    queryHeads: 32, kvHeads: 8, headSize: 128, kvBlockSize: 16, smCount: 132,
    graphs: CUDAGraphs(mode: .fullAndPiecewise, captureSizes: [1, 2, 4, 8]))
  static let shape = KernelShape(headSize: 128, ratio: 4, blockSize: 16)

  let driver = FakeCUDADriver()

  init(memoryBytes: Int = 1 << 32) {
    driver.spacing = 1 << 36
    driver.memoryBytes = memoryBytes
  }

  /// - `hostTime`: the host's clock, which stands still unless told otherwise
  func bench(
    cuBLAS: CUBLASFunctions? = nil, hostTime: @escaping @Sendable () -> Nanoseconds = { .zero }
  ) throws -> AttentionBench {
    try AttentionBench(
      driver: CUDADriver(functions: driver.functions()),
      manifest: { _ throws(KernelImageError) in try SmallManifest.manifest() },
      cubin: { _ in [1] }, nvml: nil, cuBLAS: cuBLAS, warmUp: .zero,
      hostTime: hostTime)
  }

  /// Single-token rows of these lengths.
  static func decode(_ lengths: [Int32], paddedRows: Int = 0) -> AttentionBatch {
    AttentionBatch(rows: lengths.map { (1, $0) }, paddedRows: paddedRows)
  }

  /// The names of calls from one index on, equal neighbours once with their number.
  static func shortened(_ lines: some Sequence<String>) -> [String] {
    var names: [(name: String, count: Int)] = []
    for line in lines {
      let name = String(line.prefix { $0 != "(" })
      if let last = names.last, last.name == name {
        names[names.count - 1].count += 1
      } else {
        names.append((name, 1))
      }
    }
    return names.map { $0.count == 1 ? $0.name : "\($0.name) × \($0.count)" }
  }
}
