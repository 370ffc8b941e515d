internal import KernelSelection
internal import TraceModel

/// The rest of step of one model, from all of its recorded steps.
///
/// Of the steps of one size, those with the least attention tell most: what a kernel's model gets wrong
/// of a long attention would otherwise end in the rest.
///
/// Where a model was recorded at few batch sizes, the growth from size to size comes from the
/// machine's best-recorded model: graphs in proportion, prompt tokens by the operations per token.
struct RestFit: Sendable {
  let shape: ModelShape
  let rest: RestOfStep
  /// Steps in pieces that were seen.
  let pieceSteps: Int

  /// Steps at one number of tokens below which a table's point is pooled with its neighbours; also the
  /// steps that what is known of all sizes counts as.
  private static let stepsMin = 8

  /// - `observations`: steps of each recording in their order
  /// - `reference`: the best-recorded model
  init(
    shape: ModelShape, observations seen: [StepObservation], reference: RestFit?,
    limit: PowerLimit = .none
  ) {
    self.shape = shape
    let observations = StepObservation.atFullClock(seen, under: limit)
    var graphs: [Int: [StepObservation]] = [:]
    var pieces: [Int: [StepObservation]] = [:]
    for step in observations {
      if step.launch.isFullGraph {
        graphs[step.launch.tokens, default: []].append(step)
      } else {
        pieces[RestOfStep.roundedToTile(step.launch.tokens), default: []].append(step)
      }
    }
    pieceSteps = pieces.values.reduce(0) { $0 + $1.count }
    let ownGraphs = Self.graphPoints(graphs)
    guard let reference, reference.shape.name != shape.name, pieceSteps < Self.stepsMin else {
      let means = RestOfStep(graphs: ownGraphs, pieces: Self.piecePoints(pieces))
      rest = RestOfStep(
        graphs: means.graphs, pieces: means.pieces, spread: Self.spread(observations, means),
        limit: limit)
      return
    }
    let borrowed = reference.scaled(to: shape, graphs: ownGraphs)
    rest = RestOfStep(
      graphs: borrowed.graphs, pieces: borrowed.pieces, spread: reference.rest.spread,
      limit: limit)
  }

  /// This model's tables as another shape would have them, anchored at its own `graphs`.
  private func scaled(to other: ModelShape, graphs own: [RestOfStep.Point]) -> RestOfStep {
    let operations = other.operationsPerToken / shape.operationsPerToken
    let pieces = rest.pieces.map {
      RestOfStep.Point(tokens: $0.tokens, microseconds: $0.microseconds * operations)
    }
    guard let anchor = own.first else {
      let graphs = rest.graphs.map {
        RestOfStep.Point(tokens: $0.tokens, microseconds: $0.microseconds * operations)
      }
      return RestOfStep(graphs: graphs, pieces: pieces)
    }
    let there = rest.time(of: .fullGraph(paddedTokens: anchor.tokens)).microseconds
    let ratio = anchor.microseconds / max(there, 1e-3)
    let missing = rest.graphs.filter { point in !own.contains { $0.tokens == point.tokens } }
    return RestOfStep(
      graphs: own
        + missing.map {
          RestOfStep.Point(tokens: $0.tokens, microseconds: $0.microseconds * ratio)
        },
      pieces: pieces)
  }

  private static func spread(_ steps: [StepObservation], _ means: RestOfStep) -> RestSpread {
    RestSpread(
      steps.filter(\.showsSpread).map {
        ($0.launch.tokens, $0.rest / means.time(of: $0.launch).microseconds)
      })
  }

  private static func graphPoints(_ sums: [Int: [StepObservation]]) -> [RestOfStep.Point] {
    sums.keys.sorted().map { tokens in
      RestOfStep.Point(tokens: tokens, microseconds: StepObservation.mean(sums[tokens] ?? []))
    }
  }

  /// Points of steps in pieces: each size's own pace as far as its steps tell it, else that of all.
  ///
  /// Operations per token do not depend on the size, and what does (tiles, the GPU's clock while it draws
  /// all its power) is of either sign. So few steps move a size little from the mean, and a size far beyond
  /// all that were seen has the mean.
  private static func piecePoints(_ sums: [Int: [StepObservation]]) -> [RestOfStep.Point] {
    var sizes: [(tokens: Int, rate: Double, count: Int)] = []
    var pooled: [(tokens: Int, steps: [StepObservation])] = []
    func flush() {
      let count = pooled.reduce(0) { $0 + $1.steps.count }
      guard count > 0 else { return }
      let tokens = pooled.reduce(0) { $0 + $1.tokens * $1.steps.count } / count
      let rate =
        pooled.reduce(0.0) {
          $0 + StepObservation.mean($1.steps) * Double($1.steps.count) / Double($1.tokens)
        } / Double(count)
      sizes.append((RestOfStep.roundedToTile(tokens), rate, count))
      pooled = []
    }
    for tokens in sums.keys.sorted() {
      let steps = sums[tokens] ?? []
      if steps.count >= stepsMin {
        flush()
        sizes.append((tokens, StepObservation.mean(steps) / Double(tokens), steps.count))
      } else {
        if let first = pooled.first, tokens >= 2 * first.tokens { flush() }
        pooled.append((tokens, steps))
      }
    }
    flush()
    guard let largest = sizes.last else { return [] }
    // By tokens: what small steps take longer for each is no part of the pace of large ones.
    let tokens = sizes.reduce(0.0) { $0 + Double($1.tokens * $1.count) }
    let common = sizes.reduce(0) { $0 + $1.rate * Double($1.tokens * $1.count) } / tokens
    let prior = Double(stepsMin)
    sizes = sizes.map { size in
      let own = Double(size.count)
      return (size.tokens, (size.rate * own + common * prior) / (own + prior), size.count)
    }
    sizes.append((2 * largest.tokens, common, 0))
    return sizes.map { .init(tokens: $0.tokens, microseconds: $0.rate * Double($0.tokens)) }
  }
}

extension ModelShape {
  /// Multiplications and additions of the dense layers for one token, without attention itself.
  var operationsPerToken: Double {
    let attention = hiddenSize * headSize * (2 * queryHeads + 2 * kvHeads)
    let mlp = 3 * hiddenSize * intermediateSize
    return 2 * Double(layers) * Double(attention + mlp)
  }
}
