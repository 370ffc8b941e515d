import CUDADriver
import CUDADriverFake
import KernelImages
import KernelManifestSample
import KernelSelection
import Testing

@testable import GPUMeasurement

@Suite("The self-test of kernels")
struct KernelSelfTestTests {
  private func selfTest(_ fake: FakeCUDADriver) throws -> KernelSelfTest {
    fake.spacing = 1 << 36
    fake.memoryBytes = 1 << 32
    return try KernelSelfTest(
      driver: CUDADriver(functions: fake.functions()),
      manifest: { _ throws(KernelImageError) in try SmallManifest.manifest() },
      cubin: { _ in [1] })
  }

  @Test("a kernel that writes nothing is a miss on every batch, since outputs hold NaN before it")
  func nothingWritten() throws {
    let fake = FakeCUDADriver()
    let report = try selfTest(fake).run(seed: 7, isQuick: true)
    #expect(!report.isPassed)
    #expect(report.results.allSatisfy { $0.miss == "NaN, or not written" })
    #expect(Set(report.results.map(\.variant)) == ["triton-2d", "triton-3d-16", "triton-mla"])
    let cases = Set(report.results.map(\.batch))
    #expect(
      cases == ["edges", "graph-padding", "short-queries", "one-split", "many-heads", "odd-heads"])
    // Poison comes between the last allocation and the launch, for outputs and for scratch.
    let fills = fake.lines.filter { $0.hasPrefix("cuMemsetD8Async") }
    #expect(fills.allSatisfy { $0.contains(", 255, ") })
    #expect(report.text.contains("seed 7"))
  }

  @Test("an illegal access names the variant and the batch")
  func illegalAccess() throws {
    let fake = FakeCUDADriver()
    let test = try selfTest(fake)
    fake.fail("cuStreamSynchronize", with: .illegalAddress)
    do {
      _ = try test.run(seed: 1, isQuick: true)
      Issue.record("passed in spite of an illegal access")
    } catch {
      #expect(error.message.contains("triton-2d"))
      #expect(error.message.contains("'edges'"))
    }
  }

  @Test("the reference of equal scores is the mean of the values up to each token")
  func reference() {
    var generator = SeededGenerator(seed: 3)
    let shape = KernelShape(headSize: 64, ratio: 2, blockSize: 16)
    let test = SelfTestCase(name: "small", rows: [(2, 20), (1, 0), (1, 17)], paddedRows: 6)
    let batch = SelfTestBatch(test, shape: shape, using: &generator)
    // A scale of zero makes all scores equal.
    let output = ReferenceAttention.output(of: batch, scale: 0)
    #expect(output.count == 6 * 4 * 64)
    for (token, row, count) in [(0, 0, 19), (1, 0, 20), (3, 2, 17)] {
      for head in 0..<4 {
        for element in [0, 63] {
          var sum = 0.0
          for slot in 0..<count {
            let place = batch.place(row: row, slot: slot, part: 1) + head / 2 * 64 + element
            sum += Double(SelfTestBatch.value(batch.cache[place], isBrain: true))
          }
          let found = output[(token * 4 + head) * 64 + element]
          #expect((found - sum / Double(count)).magnitude < 1e-12)
        }
      }
    }
    // The row without KV, and the padding.
    #expect(output[2 * 256..<3 * 256].allSatisfy { $0 == 0 })
    #expect(output[4 * 256..<6 * 256].allSatisfy { $0 == 0 })
  }

  @Test("the reference follows the largest score where scores are far apart")
  func sharpReference() {
    var generator = SeededGenerator(seed: 5)
    let shape = KernelShape.latent(blockSize: 16, element: "fp16")
    let test = SelfTestCase(name: "small", rows: [(1, 40)], queryHeads: 3)
    let batch = SelfTestBatch(test, shape: shape, using: &generator)
    let output = ReferenceAttention.output(of: batch, scale: 1000)
    func word(_ place: Int, _ words: [UInt16]) -> Double {
      Double(SelfTestBatch.value(words[place], isBrain: false))
    }
    for head in 0..<3 {
      let scores = (0..<40).map { slot in
        (0..<576).reduce(0.0) {
          $0 + word(head * 576 + $1, batch.query)
            * word(batch.place(row: 0, slot: slot, part: 0) + $1, batch.cache)
        }
      }
      let best = scores.indices.max { scores[$0] < scores[$1] } ?? 0
      let place = batch.place(row: 0, slot: best, part: 0)
      for element in 0..<512 {
        let found = output[head * 512 + element]
        #expect((found - word(place + element, batch.cache)).magnitude < 1e-6)
      }
    }
  }

  @Test("norms tell a wrong head from a right batch")
  func comparison() {
    var comparison = OutputComparison()
    comparison.add(0..<2, [3, 4], expected: [3, 4], first: [3, 4])
    comparison.add(2..<4, [0, 0, 0, 0.1], expected: [0, 0, 0, 0.2], first: [0, 0, 0, 0.1])
    #expect((comparison.worstHeadError - 0.5).magnitude < 1e-12)
    #expect(comparison.error < 0.03 && comparison.difference == 0)
    #expect(!comparison.hasResultWithoutKV)
    comparison.add(0..<1, [1e-3], expected: [0], first: [0])
    #expect(comparison.hasResultWithoutKV)
  }
}
