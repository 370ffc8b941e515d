internal import KernelSelection

/// A tree of questions over cells; quantities, bounds and variants by their places.
indirect enum CellTree: Hashable {
  case leaf(variant: Int)
  case split(quantity: Int, bound: Int, atMost: CellTree, above: CellTree)

  /// Questions in it.
  var splits: Int {
    switch self {
    case .leaf: 0
    case .split(_, _, let atMost, let above): 1 + atMost.splits + above.splits
    }
  }
}

/// Finds a tree of bounded depth with little attention time.
///
/// A split is chosen by the best tree of depth two below it, which is found exactly from histograms
/// over pairs of quantities; the sides are then searched anew with the depth that is left. A split
/// that does not save its share of all attention time is taken back, so that noise buys no question.
struct TreeSearch {
  let cells: TuningCells
  /// What a question must save, in nanoseconds.
  private let gainMin: Int64

  init(_ cells: TuningCells) {
    self.cells = cells
    let cost = cells.best(cells.total(cells.all)).cost
    gainMin = max(1, Int64(Double(cost) * TuningLimits.gainMin))
  }

  /// The tree over all cells.
  func tree(depth: Int) -> CellTree { pruned(grown(cells.all, depth: depth), cells.all).tree }

  private func grown(_ members: [Int32], depth: Int) -> CellTree {
    let leaf = CellTree.leaf(variant: cells.best(cells.total(members)).variant)
    guard depth > 0, members.count > 1,
      let root = depth == 1 ? bestSplit(members) : bestRoot(members)
    else { return leaf }
    let (atMost, above) = parts(members, root)
    return .split(
      quantity: root.quantity, bound: root.bound, atMost: grown(atMost, depth: depth - 1),
      above: grown(above, depth: depth - 1))
  }

  private struct Split {
    var quantity: Int
    var bound: Int
    var cost: Int64
  }

  private func parts(_ members: [Int32], _ split: Split) -> ([Int32], [Int32]) {
    let isAtMost = { cells.bin($0, split.quantity) <= split.bound }
    return (members.filter(isAtMost), members.filter { !isAtMost($0) })
  }

  private func bestSplit(_ members: [Int32]) -> Split? {
    var best: Split?
    for quantity in cells.quantities.indices {
      let line = CellHistogram(cells, members: members, first: quantity, second: nil)
      var places: [Int64] = []
      for column in 0..<line.width { places += line.line(column, 0) }
      let (place, cost) = LineScore.bestSplit(places, stride: cells.stride)
      if let place, cost < best?.cost ?? .max {
        best = Split(quantity: quantity, bound: place, cost: cost)
      }
    }
    return best
  }

  /// The split with the best depth-two tree below it.
  private func bestRoot(_ members: [Int32]) -> Split? {
    var best: Split?
    for quantity in cells.quantities.indices where !cells.bounds[quantity].isEmpty {
      let bounds = cells.bounds[quantity].count
      var atMost = [Int64](repeating: .max, count: bounds)
      var above = atMost
      var batches = [Int64](repeating: 0, count: bounds)
      var whole: Int64 = 0
      for other in cells.quantities.indices {
        let histogram = CellHistogram(cells, members: members, first: quantity, second: other)
        let total = histogram.wholeLine
        var low = [Int64](repeating: 0, count: total.count)
        for bound in 0..<bounds {
          histogram.add(column: bound, to: &low)
          var high = total
          for offset in high.indices { high[offset] &-= low[offset] }
          atMost[bound] = min(atMost[bound], LineScore.bestSplit(low, stride: cells.stride).cost)
          above[bound] = min(above[bound], LineScore.bestSplit(high, stride: cells.stride).cost)
          batches[bound] = Self.batches(low, cells.stride)
        }
        whole = Self.batches(total, cells.stride)
      }
      for bound in 0..<bounds
      where batches[bound] >= TuningLimits.batchesMin
        && whole - batches[bound] >= TuningLimits.batchesMin
      {
        let cost = atMost[bound] &+ above[bound]
        if cost < best?.cost ?? .max { best = Split(quantity: quantity, bound: bound, cost: cost) }
      }
    }
    return best
  }

  private static func batches(_ line: [Int64], _ stride: Int) -> Int64 {
    Swift.stride(from: 0, to: line.count, by: stride).reduce(0) { $0 + line[$1] }
  }

  /// The tree without splits that save too little, and its cost.
  private func pruned(_ tree: CellTree, _ members: [Int32]) -> (tree: CellTree, cost: Int64) {
    let (variant, cost) = cells.best(cells.total(members))
    guard case .split(let quantity, let bound, let low, let high) = tree else {
      return (.leaf(variant: variant), cost)
    }
    let sides = parts(members, Split(quantity: quantity, bound: bound, cost: 0))
    let (atMost, above) = (pruned(low, sides.0), pruned(high, sides.1))
    let result = CellTree.split(
      quantity: quantity, bound: bound, atMost: atMost.tree, above: above.tree)
    let sum = atMost.cost + above.cost
    if cost - sum < gainMin * Int64(result.splits) { return (.leaf(variant: variant), cost) }
    return (result, sum)
  }
}

extension CellTree {
  /// The tree as an ordered list of rules; the last leaf is the default.
  func rules(_ cells: TuningCells) -> (rules: [RulePolicy.Rule], last: KernelVariant) {
    var rules: [RulePolicy.Rule] = []
    collect(cells, [], &rules)
    let last = rules.removeLast()
    // Leaves at the end with the default's variant need no rule.
    while let rule = rules.last, rule.variant == last.variant { rules.removeLast() }
    return (rules, last.variant)
  }

  private func collect(
    _ cells: TuningCells, _ conditions: [RuleCondition], _ rules: inout [RulePolicy.Rule]
  ) {
    switch self {
    case .leaf(let variant):
      rules.append(.init(when: conditions, use: cells.variants[variant]))
    case .split(let quantity, let bound, let atMost, let above):
      let limit = RuleCondition.number(
        cells.quantities[quantity], .atMost, cells.bounds[quantity][bound])
      atMost.collect(cells, RuleConditions.narrowed(conditions, by: limit), &rules)
      // Whoever is within the bound has been decided by now, so that it is exceeded need not be said.
      above.collect(cells, conditions, &rules)
    }
  }
}

/// Conditions of one path through a tree.
enum RuleConditions {
  /// Conditions with one more, which replaces one on the same side of the same quantity: further down a
  /// path bounds only get tighter.
  static func narrowed(
    _ conditions: [RuleCondition], by condition: RuleCondition
  ) -> [RuleCondition] {
    guard case .number(let quantity, let comparison, _) = condition else {
      return conditions + [condition]
    }
    let others = conditions.filter { known in
      guard case .number(quantity, comparison, _) = known else { return true }
      return false
    }
    return others + [condition]
  }
}
