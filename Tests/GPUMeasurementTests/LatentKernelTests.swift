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
}
