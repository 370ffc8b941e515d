internal import KernelSelection

/// Finds an ordered list of conditions of at most two thresholds each, as kernels' authors write them.
///
/// Each condition is the best one for the batches that those before it left over, exactly: for every
/// pair of quantities and bounds the four quarters are scored from one cumulated histogram.
struct ThresholdSearch {
  let cells: TuningCells
  private let gainMin: Int64

  init(_ cells: TuningCells) {
    self.cells = cells
    let cost = cells.best(cells.total(cells.all)).cost
    gainMin = max(1, Int64(Double(cost) * TuningLimits.gainMin))
  }

  /// A part of the batches: those on one side of one bound, or of two.
  private struct Quarter {
    var sides: [(quantity: Int, bound: Int, isAtMost: Bool)]
    var variant: Int
    var cost: Int64
  }

  /// At most so many rules, and what runs where none decides.
  func rules(count: Int) -> (rules: [RulePolicy.Rule], last: KernelVariant) {
    var members = cells.all
    var rules: [RulePolicy.Rule] = []
    while rules.count < count, let quarter = bestQuarter(members) {
      rules.append(
        .init(
          when: quarter.sides.map { side in
            .number(
              cells.quantities[side.quantity], side.isAtMost ? .atMost : .above,
              cells.bounds[side.quantity][side.bound])
          }, use: cells.variants[quarter.variant]))
      members.removeAll { cell in
        quarter.sides.allSatisfy { (cells.bin(cell, $0.quantity) <= $0.bound) == $0.isAtMost }
      }
    }
    let last = cells.variants[cells.best(cells.total(members)).variant]
    while let rule = rules.last, rule.variant == last { rules.removeLast() }
    return (rules, last)
  }

  private func bestQuarter(_ members: [Int32]) -> Quarter? {
    let whole = cells.total(members)
    let leaf = cells.best(whole)
    var best: Quarter?
    func consider(_ inside: [Int64], _ sides: [(Int, Int, Bool)], needed: Int64) {
      guard inside[0] >= TuningLimits.batchesMin, whole[0] - inside[0] >= TuningLimits.batchesMin
      else { return }
      var outside = whole
      for offset in outside.indices { outside[offset] -= inside[offset] }
      let choice = cells.best(inside)
      let cost = choice.cost + cells.best(outside).cost + needed
      if cost < (best?.cost ?? leaf.cost) {
        best = Quarter(
          sides: sides.map { (quantity: $0.0, bound: $0.1, isAtMost: $0.2) },
          variant: choice.variant, cost: cost)
      }
    }
    for first in cells.quantities.indices {
      let alone = CellHistogram(cells, members: members, first: first, second: nil).cumulated()
      for bound in cells.bounds[first].indices {
        let low = Array(alone.line(bound, 0))
        consider(low, [(first, bound, true)], needed: gainMin)
        consider(difference(whole, low), [(first, bound, false)], needed: gainMin)
      }
      for second in cells.quantities.indices where second > first {
        let both = CellHistogram(cells, members: members, first: first, second: second)
          .cumulated()
        quarters(both, first, second, whole) { inside, sides in
          consider(inside, sides, needed: 2 * gainMin)
        }
      }
    }
    return best
  }

  private func quarters(
    _ sums: CellHistogram, _ first: Int, _ second: Int, _ whole: [Int64],
    _ take: ([Int64], [(Int, Int, Bool)]) -> Void
  ) {
    for a in cells.bounds[first].indices {
      let left = Array(sums.line(a, sums.height - 1))
      for b in cells.bounds[second].indices {
        let corner = Array(sums.line(a, b))
        let lower = Array(sums.line(sums.width - 1, b))
        take(corner, [(first, a, true), (second, b, true)])
        take(difference(left, corner), [(first, a, true), (second, b, false)])
        take(difference(lower, corner), [(first, a, false), (second, b, true)])
        take(
          difference(difference(whole, left), difference(lower, corner)),
          [(first, a, false), (second, b, false)])
      }
    }
  }

  private func difference(_ a: [Int64], _ b: [Int64]) -> [Int64] {
    a.indices.map { a[$0] - b[$0] }
  }
}
