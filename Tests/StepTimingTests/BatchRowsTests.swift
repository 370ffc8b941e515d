import KernelSelection
import StepTiming
import TestSupport
import Testing
import TraceModel

@Suite("Rows of an engine's batches")
struct BatchRowsTests {
  @Test("stand in the scheduler's order without a persistent batch")
  func scheduled() {
    var rows = BatchRows()
    #expect(Self.requests(of: [2, 4, 1], in: &rows) == [2, 4, 1])
    #expect(Self.requests(of: [1, 2], in: &rows) == [1, 2])
  }

  @Test("stay: a new request takes the first free row, the last one the next")
  func persistent() {
    var rows = BatchRows(isPersistent: true)
    #expect(Self.requests(of: [0, 1, 2, 3, 4], in: &rows) == [0, 1, 2, 3, 4])
    // 1 and 3 end, 5 comes: it takes the row of 1, and the last request that of 3.
    #expect(Self.requests(of: [0, 2, 4, 5], in: &rows) == [0, 5, 2, 4])
    // Their order in the scheduler's list moves none.
    #expect(Self.requests(of: [5, 4, 2, 0], in: &rows) == [0, 5, 2, 4])
    #expect(Self.requests(of: [], in: &rows) == [])
    #expect(Self.requests(of: [4, 0], in: &rows) == [4, 0])
  }

  /// `Tests/SchedulerDifferential/vllm_rows.py` writes the file.
  @Test("are those of vLLM's own persistent batch over 200 steps")
  func likeVLLM() throws {
    let text = try RepositoryFile.text("Tests/StepTimingTests/Fixtures/vllm-0.32-rows.txt")
    var rows = BatchRows(isPersistent: true)
    var moved = 0
    for line in text.split(separator: "\n") {
      let parts = line.split(separator: ";", omittingEmptySubsequences: false)
      let lists = parts.map { $0.split(separator: " ").compactMap { Int32($0) } }
      try #require(lists.count == 2)
      #expect(Self.requests(of: lists[0], in: &rows) == lists[1])
      moved += lists[0] == lists[1] ? 0 : 1
    }
    #expect(moved > 100)
  }

  /// The requests of a batch by row; each has a length of its own, by which it is known again.
  private static func requests(of scheduled: [Int32], in rows: inout BatchRows) -> [Int32] {
    var batch = AttentionBatch()
    rows.fill(
      &batch,
      with: scheduled.map {
        StepRow(request: $0, computed: TokenCount(100 + $0), queryLength: TokenCount(1))
      })
    return batch.kvLengths.map { $0 - 101 }
  }
}
