import Metrics
import Testing

@Suite("Parts of a sum")
struct SummedPartsTests {
  /// Values that differ from place to place, without a period of the parts'.
  private static let values = (0..<3_000).map { (place: Int) -> Double in
    Double((place * place * 7 + 13 * place) % 101)
  }

  @Test("add up to the whole, and one part alone has the interval of the mean")
  func wholes() throws {
    let parts = SummedParts(
      of: Self.values, owners: Self.values.indices.map { $0 % 3 }, parts: 3, seed: 4)
    let whole = Self.values.reduce(0, +)
    #expect(parts.parts.reduce(0) { $0 + $1.sum } == whole)
    let mean = try #require(
      PairedDifference.bootstrap(
        a: Array(repeating: 0, count: Self.values.count), b: Self.values, seed: 4))
    let all = SummedParts(
      of: Self.values, owners: Array(repeating: 0, count: Self.values.count), parts: 1, seed: 4
    ).parts[0]
    let count = Double(Self.values.count)
    #expect((all.low - mean.low * count).magnitude < 1e-6 * whole)
    #expect((all.high - mean.high * count).magnitude < 1e-6 * whole)
    #expect(all.low < whole && whole < all.high)
  }

  @Test("that come in one stretch have wider intervals than those spread evenly")
  func clusters() {
    func width(_ owners: [Int]) -> Double {
      let part = SummedParts(of: Self.values, owners: owners, parts: 2, seed: 1).parts[1]
      return part.high - part.low
    }
    let spread = width(Self.values.indices.map { $0 % 10 == 0 ? 1 : 0 })
    let cluster = width(Self.values.indices.map { $0 < 300 ? 1 : 0 })
    #expect(cluster > 3 * spread)
  }

  @Test("leave out what has no owner, and are nothing of nothing")
  func edges() {
    let parts = SummedParts(of: [1, 2, 4, 8], owners: [0, -1, 0, -1], parts: 2, seed: 0).parts
    #expect(parts.map(\.sum) == [5, 0])
    #expect(parts[1] == .zero)
    let none = SummedParts(of: [], owners: [], parts: 1, seed: 0).parts
    #expect(none == [.zero])
  }
}
