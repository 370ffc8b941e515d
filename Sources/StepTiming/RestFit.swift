internal import KernelSelection
internal import TraceModel

/// The rest of step of one model, from all of its recorded steps.
///
/// Of the steps of one size, those with the least attention tell most: what a kernel's model gets wrong
/// of a long attention would otherwise end in the rest. Decode steps of more rows than the largest graph tell
/// nothing: the GPU reads all weights, as in that graph, and mostly waits for the launch.
///
/// Where other machines recorded the model, too, how the rest goes with the size comes from all of them
/// (`SharedRest`), and its level from this one. Else, where it was recorded at few batch sizes, the growth from size to size comes from the
/// machine's best-recorded model: graphs in proportion, prompt tokens by the operations per token.
struct RestFit: Sendable {
  let shape: ModelShape
  private(set) var rest: RestOfStep
  /// Steps in pieces that were seen.
  let pieceSteps: Int

  /// Steps at one number of tokens below which a table's point is pooled with its neighbours; also the
  /// steps that what is known of all sizes counts as.
  private static let stepsMin = 8

  /// - `observations`: steps of each recording in their order
  /// - `shared`: the same model's on all machines that recorded it, if there are several
  /// - `reference`: the best-recorded model
  init(
    shape: ModelShape, observations seen: [StepObservation], shared: SharedRest? = nil,
    reference: RestFit?, limit: PowerLimit = .none
  ) {
    self.shape = shape
    let observations = StepObservation.atFullClock(seen, under: limit)
    let (graphs, pieces) = Self.bySize(observations)
    pieceSteps = pieces.values.reduce(0) { $0 + $1.count }
    let ownGraphs = Self.graphPoints(graphs)
    if let level = shared?.atLevel(of: observations) {
      let means = RestOfStep(
        graphs: ownGraphs, pieces: Self.piecePoints(pieces, known: level)
      ).completed(by: RestOfStep(graphs: level.graphs, pieces: []))
      rest = RestOfStep(
        graphs: means.graphs, pieces: means.pieces, spread: Self.spread(observations, means),
        limit: limit)
      return
    }
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

  /// This model's rest with graphs of more rows than it was recorded with growing as another model's do.
  func grown(as other: RestFit) -> RestFit {
    guard let largest = rest.graphs.last,
      let same = other.rest.graphs.first(where: { $0.tokens == largest.tokens })
    else { return self }
    let more = other.rest.graphs.filter { $0.tokens > largest.tokens }.map {
      RestOfStep.Point(
        tokens: $0.tokens,
        microseconds: largest.microseconds * $0.microseconds / max(same.microseconds, 1e-3))
    }
    var fit = self
    fit.rest = rest.completed(by: RestOfStep(graphs: more, pieces: []))
    return fit
  }

  /// This model's rest with steps in pieces that differ as those of other recordings where these show too few.
  func completed(by spread: RestSpread) -> RestFit {
    var fit = self
    fit.rest = rest.completed(
      by: RestOfStep(graphs: [], pieces: [], spread: spread, limit: rest.limit))
    return fit
  }

  /// This model's tables as another shape would have them, anchored at its own `graphs`.
  private func scaled(to other: ModelShape, graphs own: [RestOfStep.Point]) -> RestOfStep {
    let operations = other.operationsPerToken / shape.operationsPerToken
    let pieces = rest.pieces.scaled(by: operations)
    guard let anchor = own.first else {
      return RestOfStep(graphs: rest.graphs.scaled(by: operations), pieces: pieces)
    }
    let there = rest.time(of: .fullGraph(paddedTokens: anchor.tokens)).microseconds
    let ratio = anchor.microseconds / max(there, 1e-3)
    let missing = rest.graphs.filter { point in !own.contains { $0.tokens == point.tokens } }
    return RestOfStep(graphs: own + missing.scaled(by: ratio), pieces: pieces)
  }

  private static func spread(_ steps: [StepObservation], _ means: RestOfStep) -> RestSpread {
    RestSpread(
      steps.filter(\.showsSpread).map {
        ($0.rest, $0.rest / means.time(of: $0.launch).microseconds)
      })
  }

  /// Steps by graph, and steps with prompts by tokens in tiles.
  ///
  /// Sizes whose GPU is expected to wait for the launch, by the pace of long steps, are left out.
  static func bySize(
    _ steps: [StepObservation]
  ) -> (graphs: [Int: [StepObservation]], pieces: [Int: [StepObservation]]) {
    let floor = StepObservation.readingWeights(steps)
    let long = steps.filter {
      !$0.launch.isFullGraph && $0.hasPrompts && $0.rest >= RestSpread.launchMax
    }
    let tokens = long.reduce(0) { $0 + RestOfStep.roundedToTile($1.launch.tokens) }
    let pace = tokens > 0 ? long.reduce(0) { $0 + $1.rest } / Double(tokens) : .infinity
    func mayWait(_ step: StepObservation) -> Bool {
      let computed = pace * Double(RestOfStep.roundedToTile(step.launch.tokens))
      return step.attention.microseconds + max(floor, computed)
        < StepObservation.launchMargin * step.launchTime.microseconds
    }
    var graphs: [Int: [StepObservation]] = [:]
    var pieces: [Int: [StepObservation]] = [:]
    for step in steps {
      if step.launch.isFullGraph {
        graphs[step.launch.tokens, default: []].append(step)
      } else if step.hasPrompts, !mayWait(step) {
        pieces[RestOfStep.roundedToTile(step.launch.tokens), default: []].append(step)
      }
    }
    return (graphs, pieces)
  }

  static func graphPoints(_ sums: [Int: [StepObservation]]) -> [RestOfStep.Point] {
    sums.keys.sorted().map { tokens in
      RestOfStep.Point(tokens: tokens, microseconds: StepObservation.mean(sums[tokens] ?? []))
    }
  }

  /// Points of steps in pieces: each size's own pace as far as its steps tell it, else that of all.
  ///
  /// Operations per token do not depend on the size, and what does (tiles, the GPU's clock while it draws
  /// all its power) is of either sign. So few steps move a size little from the mean, and a size far beyond
  /// all that were seen has the mean. Where others' times are known, theirs stand for the mean.
  static func piecePoints(
    _ sums: [Int: [StepObservation]], known: RestOfStep? = nil
  ) -> [RestOfStep.Point] {
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
    guard let largest = sizes.last else { return known?.pieces ?? [] }
    // By tokens: what small steps take longer for each is no part of the pace of large ones.
    let tokens = sizes.reduce(0.0) { $0 + Double($1.tokens * $1.count) }
    let common = sizes.reduce(0) { $0 + $1.rate * Double($1.tokens * $1.count) } / tokens
    func prior(_ tokens: Int) -> Double { known?.microsecondsPerToken(tokens) ?? common }
    let weight = Double(stepsMin)
    sizes = sizes.map { size in
      let own = Double(size.count)
      let rate = (size.rate * own + prior(size.tokens) * weight) / (own + weight)
      return (size.tokens, rate, size.count)
    }
    let others = known?.pieces.map(\.tokens) ?? [2 * largest.tokens]
    for tokens in others where !sizes.contains(where: { $0.tokens == tokens }) {
      sizes.append((tokens, prior(tokens), 0))
    }
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
