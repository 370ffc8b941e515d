import KernelSelection
import Testing

@Suite("A batch as kernels see it")
struct AttentionBatchTests {
  @Test("keeps sums and maxima while rows are appended")
  func summarizes() {
    let batch = AttentionBatch(rows: [(1, 100), (7, 20), (1, 300)], paddedRows: 4)
    let summary = batch.summary
    #expect(summary.rows == 3)
    #expect(summary.paddedRows == 4)
    #expect(summary.tokens == 9)
    #expect(summary.multiTokenRows == 1)
    #expect(summary.maxQueryLength == 7)
    #expect(summary.maxKVLength == 300)
    #expect(summary.totalKVLength == 420)
    #expect(!summary.isSingleTokenOnly)
    #expect(summary.meanKVLength == 140)
  }

  @Test("padding never removes rows")
  func padsUpwards() {
    var batch = AttentionBatch(rows: [(1, 5), (1, 6)])
    batch.pad(to: 1)
    #expect(batch.summary.paddedRows == 2)
    batch.pad(to: 8)
    #expect(batch.summary.paddedRows == 8)
  }

  @Test("orders rows the same whether they went on by one token or changed")
  func ordersAlike() {
    // Every transition between two batches of up to three rows of lengths 1…3.
    let lengths: [Int32] = [1, 2, 3]
    var batches: [[Int32]] = [[]]
    for a in lengths {
      batches.append([a])
      for b in lengths {
        batches.append([a, b])
        for c in lengths { batches.append([a, b, c]) }
      }
    }
    for first in batches {
      for second in batches {
        var batch = AttentionBatch()
        for rows in [first, second] {
          batch.removeAll()
          for length in rows { batch.append(queryLength: 1, kvLength: length) }
          batch.orderRows()
          #expect(batch.ascendingKVLengths == rows.sorted(), "\(first) then \(second)")
        }
      }
    }
  }

  @Test("carries the order along while all rows grow")
  func growsInOrder() {
    var batch = AttentionBatch()
    for step in 0..<5 {
      batch.removeAll()
      for length: Int32 in [30, 10, 20] {
        batch.append(queryLength: 1, kvLength: length + Int32(step))
      }
      batch.orderRows()
      #expect(batch.ascendingKVLengths == [10, 20, 30].map { $0 + Int32(step) })
    }
  }
}
