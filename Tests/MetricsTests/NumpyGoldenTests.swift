import Metrics
import TestSupport
import Testing
import TraceModel

@Suite("A distribution's summary")
struct NumpyGoldenTests {
  @Test("equals numpy's: percentiles to the last bit, mean and deviation to rounding")
  func equalsNumpy() throws {
    let text = try RepositoryFile.text("Tests/MetricsTests/Fixtures/distributions.json")
    guard case .array(let cases) = try JSONValue(parsing: text) else {
      Issue.record("the fixture is an array")
      return
    }
    #expect(cases.count == 9)
    for golden in cases {
      let name = try #require(golden["name"]?.string)
      let summary = try #require(Self.samples(golden).summary())
      #expect(summary.count == golden["count"]?.int, "\(name)")
      #expect(summary.p50 == golden["p50"]?.double, "\(name)")
      #expect(summary.p90 == golden["p90"]?.double, "\(name)")
      #expect(summary.p95 == golden["p95"]?.double, "\(name)")
      #expect(summary.p99 == golden["p99"]?.double, "\(name)")
      #expect(summary.max == golden["max"]?.double, "\(name)")
      for (ours, key) in [(summary.mean, "mean"), (summary.std, "std")] {
        let theirs = try #require(golden[key]?.double)
        #expect((ours - theirs).magnitude <= 1e-12 * theirs.magnitude, "\(name): \(key)")
      }
    }
  }

  private static func samples(_ golden: JSONValue) -> WeightedSamples {
    var samples = WeightedSamples()
    guard case .array(let values)? = golden["values"], case .array(let counts)? = golden["counts"]
    else { return samples }
    for (value, count) in zip(values, counts) {
      samples.add(Nanoseconds(Int64(value.int ?? 0)), count: count.int ?? 0)
    }
    return samples
  }
}
