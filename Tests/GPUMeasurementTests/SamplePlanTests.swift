import GPUMeasurement
import KernelSelection
import MeasurementStore
import Testing

@Suite("Random plans of batches")
struct SamplePlanTests {
  @Test("hold every kind in turn, the same for the same seed")
  func kinds() {
    let plan = SamplePlan.batches(seed: 1, count: 100, in: FakeBench.context)
    let again = SamplePlan.batches(seed: 1, count: 100, in: FakeBench.context)
    let other = SamplePlan.batches(seed: 2, count: 100, in: FakeBench.context)
    func keys(_ plan: [AttentionBatch]) -> [String] {
      plan.map { BatchKey($0, in: FakeBench.context, elementType: "bf16").text }
    }
    #expect(keys(plan) == keys(again))
    #expect(Set(keys(plan)).isDisjoint(with: keys(other)))
    for kind in SampleKind.allCases {
      #expect(plan.count { SampleKind($0) == kind } >= 15, "\(kind)")
    }
    #expect(plan.allSatisfy { $0.summary.tokens <= 16_384 })
  }

  @Test("have decode rows alone for latent caches")
  func latent() {
    let context = AttentionContext(
      queryHeads: 16, kvHeads: 1, headSize: 576, kvBlockSize: 64, smCount: 132,
      graphs: CUDAGraphs(mode: .none, captureSizes: []))
    let plan = SamplePlan.batches(seed: 1, count: 30, in: context)
    #expect(plan.count { !$0.summary.isSingleTokenOnly } == 0)
  }
}
