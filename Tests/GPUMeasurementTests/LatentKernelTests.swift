import CUDADriver
import CUDADriverFake
import KernelImages
import KernelManifestSample
import KernelSelection
import StepTiming
import Testing
import TraceModel

@testable import GPUMeasurement

@Suite("Kernels over latent caches")
struct LatentKernelTests {
  private let context = AttentionContext(
    queryHeads: 16, kvHeads: 1, headSize: 576, kvBlockSize: 64, smCount: 132,
    graphs: CUDAGraphs(mode: .none, captureSizes: []))

  private func timing(_ fake: FakeBench) throws -> MeasuredAttentionTiming {
    // The test reads the fake's lines only while nothing is measured.
    nonisolated(unsafe) let bench: AttentionBench? = try fake.bench()
    return try MeasuredAttentionTiming(
      measurements: nil, bench: unsafe bench, gpu: "NVIDIA Fake 200", context: context)
  }

  @Test("are launched with any number of splits, over blocks of heads")
  func grids() throws {
    let fake = FakeBench()
    let timing = try timing(fake)
    let variant = KernelVariant(.tritonMLA, segments: 32)
    #expect(timing.variants.contains(variant))
    _ = try timing.attentionTime(
      of: variant, for: FakeBench.decode([16_384, 70]), in: context)
    let launches = fake.driver.lines.filter { $0.hasPrefix("cuLaunchKernel") }
    #expect(launches.contains { $0.contains("grid 2x1x32,") })
    #expect(launches.contains { $0.contains("grid 2x16x1,") })
  }

  @Test("see the decode rows of a batch alone, and cost nothing where there are none")
  func decodeRows() throws {
    let fake = FakeBench()
    let timing = try timing(fake)
    let variant = KernelVariant(.tritonMLA, segments: 4)
    let prompt = AttentionBatch(rows: [(500, 500)])
    #expect(try timing.attentionTime(of: variant, for: prompt, in: context) == .zero)
    #expect(timing.activity.measured == 0)
    let mixed = AttentionBatch(rows: [(1, 640), (500, 500)])
    let decode = FakeBench.decode([640])
    let times = try [mixed, decode].map {
      try timing.attentionTime(of: variant, for: $0, in: context)
    }
    #expect(times[0] == times[1])
    #expect(timing.activity.measured == 1)
  }

  @Test("have a cache of one vector a token, and scratch for every split")
  func sizes() throws {
    let program = try SmallManifest.manifest().program(
      "triton-mla", shape: .latent(blockSize: 64)
    ).split(4, as: "triton-mla-4")
    let plan = LaunchPlan(program, FakeBench.decode([65, 64, 1]), in: context)
    #expect(plan.blocks == 4)
    #expect(plan.blockBytes == 64 * 576 * 2)
    #expect(plan.queryBytes == 3 * 16 * 576 * 2)
    #expect(plan.outputBytes == 3 * 16 * 512 * 2)
    #expect(plan.scratchBytes == 3 * 16 * 4 * 513 * 4)
  }

  @Test("are refused in one line where partial results, queries or KV exceed 32-bit offsets")
  func reach() throws {
    let fake = FakeBench(memoryBytes: 1 << 40)
    let timing = try timing(fake)
    let heads = AttentionContext(
      queryHeads: 128, kvHeads: 1, headSize: 576, kvBlockSize: 64, smCount: 132,
      graphs: context.graphs)
    let program = try SmallManifest.manifest().program(
      "triton-mla", shape: .latent(blockSize: 64))
    func words(rows: Int, splits: Int, length: Int32 = 200) -> String? {
      LaunchPlan(
        program.split(splits, as: "triton-mla-\(splits)"),
        FakeBench.decode(Array(repeating: length, count: rows)), in: heads
      ).beyondReach
    }
    // 128 heads × 264 splits × 513 elements a row: 123 rows fit into 2³¹, 124 do not.
    #expect(words(rows: 123, splits: 264) == nil)
    #expect(words(rows: 124, splits: 264) == "2149576704 elements of partial results of 264 splits")
    #expect(words(rows: 30_000, splits: 1) == "2211840000 elements of queries")
    #expect(words(rows: 40, splits: 4, length: 100_000) == "2304737280 elements of KV")
    let error = #expect(throws: TimingError.self) {
      try timing.attentionTime(
        of: KernelVariant(.tritonMLA, segments: 264),
        for: FakeBench.decode(Array(repeating: 640, count: 124)), in: heads)
    }
    guard case .execution(let line) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(line.contains("'triton-mla-264' on a batch of 124 rows"))
    #expect(line.contains("are more than its 32-bit offsets reach"))
    #expect(!line.contains("\n"))
    #expect(!fake.driver.lines.contains { $0.hasPrefix("cuLaunchKernel") })
  }
}
