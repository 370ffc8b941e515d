import KernelSelection
import MachineProfiles
import StepTiming
import TestSupport
import Testing

@Suite("Kernel models fitted to measured calls")
struct KernelFitTests {
  static let context = AttentionContext(
    queryHeads: 32, kvHeads: 8, headSize: 128, smCount: 132,
    graphs: CUDAGraphs(mode: .none, captureSizes: []))

  static func measurements(of variant: KernelVariant) throws -> [KernelMeasurement] {
    try KernelLog.measurements(
      text: RepositoryFile.text("traces/h200/kernels.jsonl"), source: "kernels.jsonl",
      context: context
    ).filter { $0.variant == variant }
  }

  @Test(
    "time rows that they were not fitted to within a few percent",
    arguments: [
      (KernelVariant.triton2D, 0.03, 0.08), (.triton3D16, 0.04, 0.08),
      (.flashAttention3, 0.05, 0.13), (.flashInfer, 0.05, 0.10),
    ])
  func heldOutErrorIsSmall(variant: KernelVariant, median: Double, p90: Double) throws {
    let fit = try #require(try KernelFit.fit(Self.measurements(of: variant)))
    #expect(fit.heldOut.median < median, "held out: \(fit.heldOut)")
    #expect(fit.heldOut.p90 < p90, "held out: \(fit.heldOut), fitted: \(fit.fitted)")
  }
}
