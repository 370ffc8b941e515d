/// A launch whose CTAs all start together, grouped by row: the pace changes as rows end.
enum FluidSweep {
  /// Nanoseconds until the longest row ends.
  ///
  /// - `ascending`: tokens of each row, shortest first; every row has the same number of CTAs
  /// - `overhead`: work that every CTA has beside its tokens, in tokens
  /// - `pace`: nanoseconds per token while so many rows run
  @inline(__always)
  static func nanoseconds(
    ascending: [Int32], overhead: Double, pace: (_ rows: Int) -> Double
  ) -> Double {
    var nanoseconds = 0.0
    var done = -overhead
    var index = 0
    while index < ascending.count {
      let length = Double(ascending[index])
      if length > done {
        nanoseconds += (length - done) * pace(ascending.count - index)
        done = length
      }
      index += 1
    }
    return nanoseconds
  }
}
