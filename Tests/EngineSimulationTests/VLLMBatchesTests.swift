import Testing

@Suite("vLLM's batches")
struct VLLMBatchesTests {
  @Test("The scheduler forms the batches that vLLM 0.32 forms, row for row, at the same moments")
  func committed() throws {
    #expect(try countOfSame(in: VLLMBatches.committed()) == 44)
  }

  /// Thousands of steps on demand: random workloads, and traces on an engine of real size.
  @Test(
    "The scheduler forms vLLM's batches at the same moments in every case of a generated file",
    .enabled(
      if: VLLMBatches.generatedPath != nil,
      "vllm_cases.py in Tests/SchedulerDifferential writes a file; REPRISE_VLLM_CASES names it"))
  func generated() throws {
    let path = try #require(VLLMBatches.generatedPath)
    #expect(try countOfSame(in: VLLMBatches.generated(path: path)) > 0)
  }

  /// How many cases there are, up to the first in which the batches part.
  private func countOfSame(in text: String) throws -> Int {
    var lines = text.split(separator: "\n")[...]
    var count = 0
    while let head = lines.first {
      let workload = try #require(VLLMCase(&lines), "no case: \(head)")
      if let difference = try workload.difference() {
        Issue.record("\(difference)")
        return count
      }
      count += 1
    }
    return count
  }
}
