/// Nanoseconds that one CTA needs per KV token, as more CTAs share the GPU.
///
/// Few CTAs are bound by the latency of their own loads; on one SM two disturb each other a little;
/// many are bound by the memory's bandwidth, and then the time grows with their number.
struct ConcurrencyCurve: Hashable, Sendable {
  /// CTAs per SM at which `values` hold, ascending.
  let knots: [Double]
  /// Nanoseconds per token at each knot.
  let values: [Double]

  /// A curve from its first value and the growth from each knot to the next.
  init(knots: [Double], first: Double, growth: ArraySlice<Double>) {
    self.knots = knots
    var values = [first]
    for factor in growth { values.append(values[values.count - 1] * factor) }
    self.values = values
  }

  /// The time per token with `load` CTAs per SM: linear between knots, proportional past the last,
  /// where throughput has reached its limit.
  func nanosecondsPerToken(load: Double) -> Double {
    let last = knots.count - 1
    if load >= knots[last] { return values[last] * load / knots[last] }
    if load <= knots[0] { return values[0] }
    var segment = 1
    while knots[segment] < load { segment += 1 }
    let share = (load - knots[segment - 1]) / (knots[segment] - knots[segment - 1])
    return values[segment - 1] + share * (values[segment] - values[segment - 1])
  }
}

/// Nanoseconds per KV token for kernels that reach the memory's bandwidth: a smooth maximum of one
/// CTA's own pace and its share of the bandwidth.
struct BandwidthCurve: CTAPace, Hashable, Sendable {
  /// Nanoseconds per token at 0, 1, 2, … CTAs.
  private let table: [Double]

  /// A curve for up to `capacity` CTAs that each stream heads of 128, 512 bytes per token.
  ///
  /// - `alone`: nanoseconds per token of a CTA that has the GPU for itself
  /// - `bandwidth`: bytes per nanosecond of the GPU
  /// - `sharpness`: exponent of the smooth maximum
  init(capacity: Int, alone: Double, bandwidth: Double, sharpness: Double) {
    table = (0...max(1, capacity)).map { count in
      let shared = Double(count) * 512 / bandwidth
      // The larger one taken out, so that no sharpness overflows.
      let (larger, smaller) = (max(alone, shared), min(alone, shared))
      return larger
        * Elementary.power(1 + Elementary.power(smaller / larger, sharpness), 1 / sharpness)
    }
  }

  /// The time per token while `count` CTAs run.
  func nanosecondsPerToken(count: Int) -> Double { table[min(max(count, 0), table.count - 1)] }
}
