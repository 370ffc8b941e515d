import TestSupport
import Testing
import TraceModel

@testable import TraceImport

/// Against `Fixtures/numpy_draws.json`, which `Fixtures/numpy_draws.py` printed with NumPy 2.4.6.
struct NumPyDrawsTests {
  private let fixture: JSONValue

  init() throws {
    fixture = try JSONValue(
      parsing: RepositoryFile.bytes("Tests/TraceImportTests/Fixtures/numpy_draws.json"))
  }

  private static let ranges: [Range<Int64>] = [
    0..<131_072, 0..<128_256, 900..<1101, 7..<8, -5..<6, 0..<(1 << 32), 0..<((1 << 40) + 1),
  ]

  @Test("The legacy generator draws NumPy's numbers for every seed and distribution")
  func legacy() throws {
    let cases = try #require(fixture["legacy"]?.array)
    #expect(cases.count == 4)
    for draws in cases {
      let seed = try #require(draws["seed"]?.int)
      var twister = MersenneTwister(seed: UInt32(seed))
      #expect((0..<5).map { _ in twister.nextDouble() } == draws["random_sample"]?.doubles)
      #expect((0..<5).map { _ in twister.gaussian() } == draws["normal"]?.doubles)
      for range in Self.ranges {
        let expected = draws["randint \(range.lowerBound) \(range.upperBound)"]?.ints
        #expect(
          (0..<5).map { _ in twister.integer(in: range) } == expected, "seed \(seed), \(range)")
      }
      for shape in [1.0, 0.25, 0.5, 2.0, 7.5] {
        let values = (0..<20).map { _ in twister.gamma(shape: shape, scale: 0.5) }
        let expected = try #require(draws["gamma \(shape)"]?.doubles)
        #expect(values.count == expected.count)
        // The C library's logarithm may differ in its last bit between machines.
        for (value, wanted) in zip(values, expected) {
          #expect((value - wanted).magnitude <= 4 * wanted.ulp, "seed \(seed), shape \(shape)")
        }
      }
      let after = (0..<700).map { _ in twister.integer(in: 0..<(1 << 32)) }
      #expect(after.last == draws["after"]?.int.map(Int64.init))
    }
  }

  @Test("The new generator draws NumPy's numbers for every seed and range")
  func generator() throws {
    let cases = try #require(fixture["generator"]?.array)
    #expect(cases.count == 5)
    for draws in cases {
      let seed = try #require(draws["seed"]?.int)
      var generator = PermutedCongruentialGenerator(seed: UInt64(seed))
      for range in Self.ranges {
        let expected = draws["integers \(range.lowerBound) \(range.upperBound)"]?.ints
        let drawn = (0..<5).map { _ in generator.integer(in: range) }
        #expect(drawn == expected, "seed \(seed), \(range)")
      }
    }
  }

  @Test("Random workloads are those of vLLM's code, request by request")
  func workloads() throws {
    let cases = try #require(fixture["workloads"]?.array)
    #expect(cases.count == 9)
    for entry in cases {
      let rows = try #require(entry["rows"]?.array).map { $0.ints }
      let workload = RandomWorkload(
        promptTokens: try #require(entry["prompt"]?.int),
        outputTokens: try #require(entry["output"]?.int),
        rate: try #require(entry["rate"]?.double),
        burstiness: entry["burstiness"]?.double ?? .infinity, size: .requests(rows.count),
        seed: UInt32(try #require(entry["seed"]?.int)),
        rangeRatio: try #require(entry["ratio"]?.double),
        style: try #require(entry["style"]?.string.flatMap(RandomWorkload.Style.init)),
        vocabularySize: try #require(entry["vocab"]?.int),
        specialTokens: try #require(entry["special"]?.int))
      let drawn = try workload.requests().map {
        [$0.arrival.rawValue, Int64($0.promptTokens.rawValue), Int64($0.outputTokens.rawValue)]
      }
      #expect(drawn == rows, "\(workload)")
    }
  }
}

extension JSONValue {
  fileprivate var array: [JSONValue]? { if case .array(let values) = self { values } else { nil } }
  fileprivate var doubles: [Double]? { array?.compactMap(\.double) }
  fileprivate var ints: [Int64]? { array?.compactMap { $0.int.map(Int64.init) } }
}
