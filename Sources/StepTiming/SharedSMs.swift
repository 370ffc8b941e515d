/// A launch whose CTAs all start together and stay on their SMs, grouped by row.
enum SharedSMs {
  /// Nanoseconds until the last CTA ends.
  ///
  /// All CTAs of a row have its length. The CTAs of one SM advance alike, so a shorter one ends before a
  /// longer one and leaves it the SM. How many run on the whole GPU follows from tokens advanced, as if
  /// all advanced alike.
  ///
  /// - `ascending`: tokens of each row, shortest first
  /// - `overhead`: work that every CTA has beside its tokens, in tokens
  /// - `sm`: the SM of one of a row's CTAs, the row by its place in `ascending`
  /// - `pace`: nanoseconds per token beside `onSM` CTAs, itself among them, while so many rows run
  @inline(__always)
  static func nanoseconds(
    ascending: [Int32], overhead: Double, smCount: Int, ctasPerRow: Int,
    sm: (_ rank: Int, _ cta: Int) -> Int, pace: (_ onSM: Int, _ rows: Int) -> Double
  ) -> Double {
    let rows = ascending.count
    // The longest row on each SM that is still to be looked at, by the number of its CTA, and for each
    // CTA that of the next shorter row on its SM. CTAs are numbered by rows, the shortest first.
    var top = [Int32](repeating: -1, count: smCount)
    var shorter: [Int32] = []
    shorter.reserveCapacity(rows * ctasPerRow)
    for rank in 0..<rows {
      for cta in 0..<ctasPerRow {
        let own = sm(rank, cta)
        shorter.append(top[own])
        top[own] = Int32(shorter.count - 1)
      }
    }
    // An SM's longest row ends alone, the next beside one, and so on down to the shortest.
    var ends = [Double](repeating: 0, count: smCount)
    var clocks = [Double](repeating: 0, count: rows)
    var onSM = 1
    while top.contains(where: { $0 >= 0 }) {
      // When each row would end if so many CTAs had been on its SM all along.
      var clock = 0.0
      var done = -overhead
      for rank in 0..<rows {
        let length = Double(ascending[rank])
        if length > done {
          clock += (length - done) * pace(onSM, rows - rank)
          done = length
        }
        clocks[rank] = clock
      }
      for own in 0..<smCount where top[own] >= 0 {
        let cta = Int(top[own])
        let next = shorter[cta]
        ends[own] += clocks[cta / ctasPerRow] - (next < 0 ? 0 : clocks[Int(next) / ctasPerRow])
        top[own] = next
      }
      onSM += 1
    }
    return ends.max() ?? 0
  }
}
