/// Nanoseconds that one CTA needs per KV token, as more CTAs share the GPU.
///
/// Few CTAs are bound by the latency of their own loads; on one SM two disturb each other a little; many
/// are bound by what they share, and then the time grows with their number.
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
      smoothMaximum(alone, Double(count) * 512 / bandwidth, sharpness: sharpness)
    }
  }

  /// The time per token while `count` CTAs run.
  func nanosecondsPerToken(count: Int) -> Double { table[min(max(count, 0), table.count - 1)] }
}

/// Nanoseconds per KV token of a CTA that shares its SM with others and the memory with all.
struct SharedPace: Sendable {
  private let sharing: ConcurrencyCurve
  private let bandwidth: Double
  private let sharpness: Double
  private let fewExcess: Double
  /// By CTAs on the SM, and CTAs that run on the GPU.
  private let tables: [[Double]]

  /// CTAs on the GPU up to which times are kept.
  private let runningMax: Int
  /// CTAs from which on they are not few, and below which they are not fewer.
  private static let few = 8.0...24.0

  /// A pace of CTAs that each stream heads of 128, 512 bytes per token.
  ///
  /// - `sharing`: nanoseconds per token by CTAs on the SM, where the memory is no limit
  /// - `bandwidth`: bytes per nanosecond of the GPU
  /// - `sharpness`: exponent of the smooth maximum of both
  /// - `fewExcess`: what eight CTAs take longer for a token than many do, as a fraction
  /// - `smCount`: SMs of the GPU; times are kept of as many CTAs as it holds
  init(
    sharing: ConcurrencyCurve, bandwidth: Double, sharpness: Double, fewExcess: Double,
    smCount: Int
  ) {
    let held = CTAPlacement.heldPerSM
    // A profile may state more SMs than a GPU has.
    let most = held * min(max(1, smCount), 1024)
    runningMax = most
    self.sharing = sharing
    self.bandwidth = bandwidth
    self.sharpness = sharpness
    self.fewExcess = fewExcess
    tables = (1...held).map { onSM in
      let own = sharing.nanosecondsPerToken(load: Double(onSM))
      return (0...most).map { running in
        Self.joined(
          own * Self.excess(running, fewExcess), running, bandwidth: bandwidth,
          sharpness: sharpness)
      }
    }
  }

  /// The time per token beside so many CTAs on the SM, itself among them, of `running` on the GPU.
  ///
  /// - `isOneRow`: whether the launch has one row, whose CTAs are not slower for being few
  @inline(__always)
  func nanosecondsPerToken(onSM: Int, running: Int, isOneRow: Bool) -> Double {
    if isOneRow {
      return Self.joined(
        sharing.nanosecondsPerToken(load: Double(onSM)), running, bandwidth: bandwidth,
        sharpness: sharpness)
    }
    if onSM <= tables.count, running <= runningMax { return tables[onSM - 1][running] }
    return nanosecondsPerToken(load: Double(onSM), running: running)
  }

  /// The time per token where each SM has so many CTAs on average.
  func nanosecondsPerToken(load: Double, running: Int) -> Double {
    Self.joined(
      sharing.nanosecondsPerToken(load: load) * Self.excess(running, fewExcess), running,
      bandwidth: bandwidth, sharpness: sharpness)
  }

  private static func excess(_ running: Int, _ fewExcess: Double) -> Double {
    let share = (few.upperBound - Double(running)) / (few.upperBound - few.lowerBound)
    return 1 + fewExcess * min(1, max(0, share))
  }

  /// The smooth maximum of a CTA's own time and its share of the bandwidth.
  private static func joined(
    _ own: Double, _ running: Int, bandwidth: Double, sharpness: Double
  ) -> Double {
    smoothMaximum(own, Double(running) * 512 / bandwidth, sharpness: sharpness)
  }
}

/// A maximum without an edge where two positive numbers are equal: the sharper, the nearer to it.
private func smoothMaximum(_ one: Double, _ other: Double, sharpness: Double) -> Double {
  // The larger one taken out, so that no sharpness overflows.
  let (larger, smaller) = (max(one, other), min(one, other))
  return larger
    * Elementary.power(1 + Elementary.power(smaller / larger, sharpness), 1 / sharpness)
}
