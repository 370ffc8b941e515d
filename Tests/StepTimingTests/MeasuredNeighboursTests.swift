import KernelSelection
import TestSupport
import Testing

@testable import StepTiming

@Suite("Measured calls near a batch")
struct MeasuredNeighboursTests {
  /// A batch of single tokens, or one with a prompt, of a few sizes, so that many are equally near.
  private static func batch(_ random: inout some RandomNumberGenerator) -> AttentionBatch {
    let rows = (0..<Int.random(in: 1...4, using: &random)).map { _ in
      (queryLength: Int32(1), kvLength: Int32(100 * Int.random(in: 1...5, using: &random)))
    }
    let prompt = Int32(50 * Int.random(in: 1...4, using: &random))
    return AttentionBatch(rows: Bool.random(using: &random) ? rows : rows + [(prompt, prompt)])
  }

  @Test("are those that a look at all of them finds", arguments: [1, 2, 7, 8, 9, 100, 777])
  func nearest(count: Int) {
    var random = SeededGenerator(seed: UInt64(count))
    let calls = (0..<count).map { number in
      MeasuredNeighbours.Call(Self.batch(&random), logarithm: Double(number))
    }
    let neighbours = MeasuredNeighbours(calls)
    for _ in 0..<200 {
      let place = MeasuredNeighbours.place(of: Self.batch(&random))
      let distances = calls.map { call in
        let difference = place - call.place
        return (difference * difference).sum()
      }
      let all = calls.indices.sorted { (distances[$0], $0) < (distances[$1], $1) }
      let found = neighbours.nearest(to: place)
      #expect(found.map(\.logarithm) == all.prefix(8).map(Double.init))
      #expect(found.map(\.distance) == all.prefix(8).map { distances[$0] })
    }
  }
}
