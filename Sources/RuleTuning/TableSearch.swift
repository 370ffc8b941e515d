internal import KernelSelection

/// Finds a grid over two quantities, a variant in each cell of it.
///
/// Its edges are few and round: every bound of a quantity with few of them, else powers of two. The
/// pair of quantities is the one with the least attention time; a cell that too few batches speak for
/// takes the variant of the nearest that has enough.
struct TableSearch {
  let cells: TuningCells

  /// The grid as an ordered list of rules, and what runs where none decides.
  func rules() -> (rules: [RulePolicy.Rule], last: KernelVariant) {
    var best: (grid: Grid, cost: Int64)?
    for first in cells.quantities.indices {
      for second in cells.quantities.indices where second > first {
        let grid = Grid(cells, first, second)
        let cost = grid.cost
        if cost < best?.cost ?? .max { best = (grid, cost) }
      }
    }
    guard let best else { return ThresholdSearch(cells).rules(count: TuningLimits.listRulesMax) }
    return best.grid.rules()
  }
}

/// One grid: edges along two quantities and a variant in each cell.
private struct Grid {
  let cells: TuningCells
  let first: Int
  let second: Int
  /// Bounds used of each quantity, by place.
  let edges: ([Int], [Int])
  private let lines: [[Int64]]

  init(_ cells: TuningCells, _ first: Int, _ second: Int) {
    self.cells = cells
    self.first = first
    self.second = second
    let edges = (Self.edges(cells.bounds[first]), Self.edges(cells.bounds[second]))
    self.edges = edges
    var lines = Array(
      repeating: [Int64](repeating: 0, count: cells.stride),
      count: (edges.0.count + 1) * (edges.1.count + 1))
    for cell in cells.all {
      let column = edges.0.count { $0 < cells.bin(cell, first) }
      let row = edges.1.count { $0 < cells.bin(cell, second) }
      let place = column * (edges.1.count + 1) + row
      for offset in 0..<cells.stride {
        lines[place][offset] += cells.sums[Int(cell) * cells.stride + offset]
      }
    }
    self.lines = lines
  }

  private static func edges(_ bounds: [Double]) -> [Int] {
    let most = TuningLimits.tableSideMax - 1
    guard bounds.count > most else { return Array(bounds.indices) }
    let powers = bounds.indices.filter { bounds[$0].significand == 1 }
    let chosen = powers.count >= 2 ? powers : Array(bounds.indices)
    guard chosen.count > most else { return chosen }
    return (0..<most).map { chosen[$0 * (chosen.count - 1) / (most - 1)] }
  }

  private var columns: Int { edges.0.count + 1 }
  private var rows: Int { edges.1.count + 1 }

  /// Attention time under the grid's choices.
  var cost: Int64 {
    var cost: Int64 = 0
    for column in 0..<columns {
      for row in 0..<rows { cost += lines[column * rows + row][1 + variant(column, row)] }
    }
    return cost
  }

  private func variant(_ column: Int, _ row: Int) -> Int {
    var best: (distance: Int, line: [Int64])?
    for otherColumn in 0..<columns {
      for otherRow in 0..<rows {
        let line = lines[otherColumn * rows + otherRow]
        let distance = abs(otherColumn - column) + abs(otherRow - row)
        if line[0] >= TuningLimits.batchesMin, distance < best?.distance ?? .max {
          best = (distance, line)
        }
      }
    }
    return cells.best(best?.line ?? lines[column * rows + row]).variant
  }

  func rules() -> (rules: [RulePolicy.Rule], last: KernelVariant) {
    var bands: [(from: Int, to: Int, choices: [Int])] = []
    for column in 0..<columns {
      let choices = (0..<rows).map { variant(column, $0) }
      if let last = bands.last, last.choices == choices {
        bands[bands.count - 1].to = column
      } else {
        bands.append((column, column, choices))
      }
    }
    var rules: [RulePolicy.Rule] = []
    // Bands and cells go upwards and leave nothing out, so lower ends need not be said.
    for band in bands {
      let outer = condition(first, edges.0, to: band.to)
      for row in 0..<rows where row == rows - 1 || band.choices[row + 1] != band.choices[row] {
        rules.append(
          .init(
            when: outer + condition(second, edges.1, to: row),
            use: cells.variants[band.choices[row]]))
      }
    }
    let last = rules.removeLast()
    while let rule = rules.last, rule.variant == last.variant { rules.removeLast() }
    return (rules, last.variant)
  }

  private func condition(_ quantity: Int, _ edges: [Int], to place: Int) -> [RuleCondition] {
    guard place < edges.count else { return [] }
    return [.number(cells.quantities[quantity], .atMost, cells.bounds[quantity][edges[place]])]
  }
}
