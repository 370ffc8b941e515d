internal import KernelSelection
internal import StepTiming

/// Batches that no condition under search can tell apart, summed: the grains of the search.
///
/// A search then costs what the grid of thresholds does, not what the traffic's length does. All sums
/// are integers, so the order of batches does not matter.
struct TuningCells {
  /// What may be asked of a batch, in the order of preference among equals.
  let quantities: [RuleQuantity]
  /// Ascending bounds of each quantity.
  let bounds: [[Double]]
  /// Variants to choose among.
  let variants: [KernelVariant]
  /// Places of a cell's values among the bounds, one line of `quantities.count` a cell.
  let bins: [UInt8]
  /// Sums over a cell's batches, one line of `stride` a cell: batches first, then nanoseconds under
  /// each variant.
  let sums: [Int64]

  /// Numbers in a line of sums.
  var stride: Int { variants.count + 1 }
  /// How many cells there are.
  var count: Int { quantities.isEmpty ? min(1, sums.count) : bins.count / quantities.count }
  /// Every cell.
  var all: [Int32] { (0..<Int32(count)).map(\.self) }

  /// The cells of batches that pass a test.
  ///
  /// - `variants`: to choose among; all must be in every table
  init(
    tables: [BatchTable], variants: [KernelVariant], quantities: [RuleQuantity],
    where passes: (BatchSummary) -> Bool
  ) {
    let lines = Self.lines(of: tables, quantities: quantities, where: passes)
    self.quantities = quantities
    self.variants = variants
    var bounds: [[Double]] = []
    for place in quantities.indices {
      let values = lines.indices.map { lines[$0].values[place] }
      bounds.append(Thresholds.candidates(of: quantities[place], values: values))
    }
    self.bounds = bounds
    var bins: [UInt8] = []
    var sums: [Int64] = []
    var places: [[UInt8]: Int] = [:]
    let columns = tables.map { table in
      variants.map { variant in
        table.variants.firstIndex(of: variant).map(\.self) ?? -1
      }
    }
    precondition(columns.allSatisfy { !$0.contains(-1) }, "every table has every variant")
    for line in lines {
      var key: [UInt8] = []
      key.reserveCapacity(quantities.count)
      for place in quantities.indices {
        key.append(UInt8(Thresholds.bin(line.values[place], bounds[place])))
      }
      let cell: Int
      if let known = places[key] {
        cell = known
      } else {
        cell = places.count
        places[key] = cell
        bins += key
        sums += Array(repeating: 0, count: variants.count + 1)
      }
      let table = tables[line.table]
      let start = cell * (variants.count + 1)
      sums[start] += 1
      for (offset, column) in columns[line.table].enumerated() {
        let time = table.times[line.batch * table.variants.count + column]
        sums[start + 1 + offset] += time == BatchTable.cannotRun ? TuningLimits.penalty : time
      }
    }
    self.bins = bins
    self.sums = sums
  }

  private struct Line {
    var table: Int
    var batch: Int
    var values: [Double]
  }

  private static func lines(
    of tables: [BatchTable], quantities: [RuleQuantity], where passes: (BatchSummary) -> Bool
  ) -> [Line] {
    var lines: [Line] = []
    for (number, table) in tables.enumerated() {
      for (batch, summary) in table.summaries.enumerated() where passes(summary) {
        lines.append(
          Line(
            table: number, batch: batch,
            values: quantities.map { $0.value(for: summary, in: table.context) }))
      }
    }
    return lines
  }

  /// The place of a cell's value among the bounds of a quantity.
  @inline(__always)
  func bin(_ cell: Int32, _ quantity: Int) -> Int {
    Int(bins[Int(cell) * quantities.count + quantity])
  }

  /// Batches and times of some cells together.
  func total(_ cells: [Int32]) -> [Int64] {
    var total = [Int64](repeating: 0, count: stride)
    for cell in cells {
      for offset in 0..<stride { total[offset] += sums[Int(cell) * stride + offset] }
    }
    return total
  }

  /// The variant with the least time in a line of sums, and that time; the first of equals.
  func best(_ line: [Int64]) -> (variant: Int, cost: Int64) {
    var best = 0
    for variant in 1..<max(1, variants.count) where line[variant + 1] < line[best + 1] {
      best = variant
    }
    return (best, line[best + 1])
  }
}
