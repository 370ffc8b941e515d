/// Percentiles that interpolate linearly between neighbours, digit for digit as numpy's default does.
///
/// Hyndman and Fan's definition 7: the percentile of n sorted values lies at place `(n − 1) × q`, counted
/// from zero, and between two places on the straight line. Which end the line starts from follows
/// `numpy.percentile`, so that results agree to the last bit.
public enum LinearPercentile {
  /// A place between two sorted values.
  struct Place {
    /// The lower neighbour's index.
    var lower: Int
    /// The way from the lower to the upper neighbour: 0 up to, but without, 1.
    var fraction: Double
  }

  /// Where the quantile `q` (0 to 1) of `count` values lies.
  static func place(of q: Double, in count: Int) -> Place {
    let place = Double(count - 1) * q
    let lower = place.rounded(.down)
    return Place(lower: Int(lower), fraction: place - lower)
  }

  /// The value at a fraction of the way from one value to the next.
  static func interpolate(_ lower: Double, _ upper: Double, _ fraction: Double) -> Double {
    let difference = upper - lower
    return fraction < 0.5
      ? lower + difference * fraction : upper - difference * (1 - fraction)
  }

  /// The quantile `q` of ascending values; at least one.
  public static func value(of q: Double, in sorted: [Double]) -> Double {
    let place = place(of: q, in: sorted.count)
    let upper = sorted[min(place.lower + 1, sorted.count - 1)]
    return interpolate(sorted[place.lower], upper, place.fraction)
  }
}
