/// Sums of cells by their places along two quantities: what splits on either are scored from.
struct CellHistogram {
  /// Places along each quantity.
  let width: Int
  let height: Int
  let stride: Int
  private var sums: [Int64]

  /// The histogram of some cells along two quantities, or along one where `second` is `nil`.
  init(_ cells: TuningCells, members: [Int32], first: Int, second: Int?) {
    width = cells.bounds[first].count + 1
    height = second.map { cells.bounds[$0].count + 1 } ?? 1
    stride = cells.stride
    sums = Array(repeating: 0, count: width * height * stride)
    for cell in members {
      let column = cells.bin(cell, first)
      let row = second.map { cells.bin(cell, $0) } ?? 0
      let target = (column * height + row) * stride
      let source = Int(cell) * stride
      for offset in 0..<stride { sums[target + offset] &+= cells.sums[source + offset] }
    }
  }

  /// Adds one column's rows to a line of `height` sums.
  func add(column: Int, to line: inout [Int64]) {
    let start = column * height * stride
    for offset in 0..<height * stride { line[offset] &+= sums[start + offset] }
  }

  /// All columns added up: a line of `height` sums.
  var wholeLine: [Int64] {
    var line = [Int64](repeating: 0, count: height * stride)
    for column in 0..<width { add(column: column, to: &line) }
    return line
  }

  /// Sums of the cells up to and including each place along both quantities.
  func cumulated() -> CellHistogram {
    var result = self
    for column in 0..<width {
      for row in 0..<height {
        let here = (column * height + row) * stride
        for offset in 0..<stride {
          var sum = result.sums[here + offset]
          if column > 0 { sum &+= result.sums[here - height * stride + offset] }
          if row > 0 { sum &+= result.sums[here - stride + offset] }
          if column > 0, row > 0 { sum &-= result.sums[here - (height + 1) * stride + offset] }
          result.sums[here + offset] = sum
        }
      }
    }
    return result
  }

  /// The sums at a place.
  func line(_ column: Int, _ row: Int) -> ArraySlice<Int64> {
    let start = (column * height + row) * stride
    return sums[start..<start + stride]
  }
}

/// Scores of lines of sums: batches first, then the cost under each variant.
enum LineScore {
  /// The least cost in a line of `stride` sums that starts at `start`.
  @inline(__always)
  static func least(_ sums: [Int64], _ start: Int, _ stride: Int) -> Int64 {
    var least = sums[start + 1]
    var offset = 2
    while offset < stride {
      least = min(least, sums[start + offset])
      offset += 1
    }
    return least
  }

  /// The least cost of a line of places.
  ///
  /// Either one variant runs all (the place is `nil`), or one up to some place and another beyond,
  /// where both sides have batches enough.
  static func bestSplit(_ line: [Int64], stride: Int) -> (place: Int?, cost: Int64) {
    let places = line.count / stride
    var total = [Int64](repeating: 0, count: stride)
    for place in 0..<places {
      for offset in 0..<stride { total[offset] &+= line[place * stride + offset] }
    }
    var best: (place: Int?, cost: Int64) = (nil, least(total, 0, stride))
    var below = [Int64](repeating: 0, count: stride)
    for place in 0..<max(0, places - 1) {
      var leastBelow = Int64.max
      var leastAbove = Int64.max
      for offset in 0..<stride {
        below[offset] &+= line[place * stride + offset]
        if offset > 0 {
          leastBelow = min(leastBelow, below[offset])
          leastAbove = min(leastAbove, total[offset] &- below[offset])
        }
      }
      guard below[0] >= TuningLimits.batchesMin,
        total[0] - below[0] >= TuningLimits.batchesMin
      else { continue }
      let cost = leastBelow &+ leastAbove
      if cost < best.cost { best = (place, cost) }
    }
    return best
  }
}
