import Testing

@testable import TraceRecorder

@Suite("The rows of a step follow from those before")
struct RowTableTests {
  private typealias Row = (request: UInt32, computed: UInt32, query: UInt32)

  private func change(
    _ table: inout RowTable, removed: [UInt32], changed: [Row], added: [Row]
  ) -> RowFault? {
    let (lists, more) = (columns(changed), columns(added))
    return table.change(
      removed: removed.span, changed: lists.0.span, computed: lists.1.span,
      queries: lists.2.span, added: more.0.span, computed: more.1.span, queries: more.2.span)
  }

  private func columns(_ rows: [Row]) -> ([UInt32], [UInt32], [UInt32]) {
    (rows.map(\.request), rows.map(\.computed), rows.map(\.query))
  }

  private func rows(_ table: RowTable) -> [[UInt32]] {
    (0..<table.count).map { [table.requests[$0], table.computed[$0], table.queries[$0]] }
  }

  @Test("random changes give what they would one by one")
  func random() {
    var dice = SystemRandomNumberGenerator()
    var table = RowTable()
    var expected: [Row] = []
    var next: UInt32 = 0
    for _ in 0..<300 {
      let removed = expected.map(\.request).filter { _ in dice.next() % 8 == 0 }
      var after = expected.filter { !removed.contains($0.request) }
        .map { Row($0.request, $0.computed + $0.query, 1) }
      var changed: [Row] = []
      for index in after.indices where dice.next() % 8 == 0 {
        let (computed, query) = (UInt32(dice.next() % 900), UInt32(dice.next() % 9) + 1)
        after[index] = (after[index].request, computed, query)
        changed.append(after[index])
      }
      let added = (0..<Int(dice.next() % 3)).map { _ -> Row in
        next += 1
        return (next, 0, UInt32(dice.next() % 100) + 1)
      }
      expected = after + added
      #expect(
        change(
          &table, removed: removed.shuffled(using: &dice), changed: changed.shuffled(using: &dice),
          added: added) == nil)
      #expect(rows(table) == expected.map { [$0.request, $0.computed, $0.query] })
    }
  }

  @Test("what cannot be is named, and nothing is changed")
  func faults() {
    var table = RowTable()
    #expect(change(&table, removed: [], changed: [], added: [(1, 0, 5), (2, 3, 4)]) == nil)
    let before = rows(table)
    #expect(change(&table, removed: [3], changed: [], added: []) == .absent(3))
    #expect(change(&table, removed: [1, 1], changed: [], added: []) == .absent(1))
    #expect(change(&table, removed: [1], changed: [(1, 0, 1)], added: []) == .absent(1))
    #expect(change(&table, removed: [], changed: [(1, 0, 0)], added: []) == .lengths)
    #expect(change(&table, removed: [], changed: [], added: [(5, .max, 1)]) == .lengths)
    let many = (0..<UInt32(RecorderLimits.rowsMax)).map { Row($0 + 9, 0, 1) }
    #expect(change(&table, removed: [], changed: [], added: many) == .tooMany)
    #expect(rows(table) == before)
    #expect(change(&table, removed: [], changed: [], added: []) == nil)
    #expect(rows(table) == [[1, 5, 1], [2, 7, 1]])
  }
}
