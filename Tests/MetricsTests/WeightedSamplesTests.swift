import Metrics
import Testing
import TraceModel

@Suite("Weighted samples")
struct WeightedSamplesTests {
  /// Percentiles by the definition, over a list that is written out.
  static func expandedPercentile(_ q: Double, of values: [Int64]) -> Double {
    let sorted = values.sorted().map(Double.init)
    let place = Double(sorted.count - 1) * q
    let lower = sorted[Int(place)]
    let upper = sorted[min(Int(place) + 1, sorted.count - 1)]
    return (lower + (upper - lower) * (place - place.rounded(.down))) / 1e6
  }

  @Test("summarize as the expanded list does, for all small counts of four values")
  func allSmallInputs() throws {
    let values: [Int64] = [3_000_000, 10_000_000, 11_000_000, 50_000_000]
    for code in 0..<256 {
      let counts = (0..<4).map { code >> (2 * $0) & 3 }
      var samples = WeightedSamples()
      var expanded: [Int64] = []
      for (value, count) in zip(values, counts) {
        samples.add(Nanoseconds(value), count: count)
        expanded += Array(repeating: value, count: count)
      }
      #expect(samples.count == expanded.count)
      guard !expanded.isEmpty else {
        #expect(samples.summary() == nil)
        continue
      }
      let summary = try #require(samples.summary())
      let pairs = [
        (summary.p50, 0.5), (summary.p90, 0.9), (summary.p95, 0.95), (summary.p99, 0.99),
      ]
      for (ours, q) in pairs {
        let theirs = Self.expandedPercentile(q, of: expanded)
        #expect((ours - theirs).magnitude <= 1e-13 * theirs, "\(counts), \(q)")
      }
      #expect(summary.max == Double(expanded.max() ?? 0) / 1e6)
      #expect(summary == WeightedSamples(expanded.map { Nanoseconds($0) }).summary())
    }
  }

  @Test("do not depend on order or grouping, sorted by digits or by comparison")
  func orderAndGrouping() {
    for pairs in [20, 511, 512, 513, 2_000] {
      var state: UInt64 = 7
      var values: [(value: Int64, count: Int)] = []
      for _ in 0..<pairs {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        values.append((Int64(bitPattern: state) >> (state % 40), Int(state >> 60)))
      }
      var forward = WeightedSamples()
      var scattered = WeightedSamples()
      for (value, count) in values { forward.add(Nanoseconds(value), count: count) }
      for (value, count) in values.reversed() {
        for _ in 0..<count { scattered.add(Nanoseconds(value)) }
      }
      #expect(forward.summary() == scattered.summary(), "\(pairs) pairs")
    }
  }

  @Test("hold counts and values at the ends of their range")
  func extremes() throws {
    var samples = WeightedSamples()
    samples.add(Nanoseconds(.max), count: 1 << 40)
    samples.add(Nanoseconds(.min), count: 1 << 40)
    let summary = try #require(samples.summary())
    #expect(summary.count == 1 << 41)
    #expect(summary.mean.magnitude < 1e-6)
    #expect(summary.max == 9_223_372_036_854.775)
    #expect(summary.p90 == summary.max)
  }
}
