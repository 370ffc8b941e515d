internal import KernelSelection
internal import TraceModel

extension PowerLimit {
  /// Steps of equal size below which nothing is fitted.
  private static let stepsMin = 48
  /// A step tells of the limit if its matrix products take so many times what reading weights takes.
  private static let floorsMin = 2.0
  /// How far steps of one size are apart, as a fraction of their time.
  private static let stepSpread = 0.01
  /// The parameters are told from none by so many of their standard errors.
  private static let errorsMin = 3.0
  /// Where the search begins.
  private static let start = PowerLimit(
    excess: 0.1, relief: 0.1, slowing: 0.03, credit: 5_000, time: 30_000)

  /// The limit that steps with prompts show best.
  ///
  /// - `sequences`: each of one machine and model, steps in the order that they ran; a step that has no
  ///   prompts before it begins with a rested GPU
  init(_ observed: [[StepObservation]]) {
    let sequences = observed.map(Sequence.init)
    let none = sequences.flatMap { $0.errors(under: .none) }
    guard none.count >= Self.stepsMin else {
      self = .none
      return
    }
    let found = RobustLeastSquares.minimize(
      start: Self.start.logarithms, scale: Self.stepSpread
    ) { point in
      sequences.flatMap { $0.errors(under: PowerLimit(logarithms: point)) }
    }
    var limit = PowerLimit(logarithms: found)
    if !sequences.contains(where: \.showsTriton) { limit = limit.withoutTriton }
    func squares(_ errors: [Double]) -> Double { errors.reduce(0) { $0 + $1 * $1 } }
    let left = squares(sequences.flatMap { $0.errors(under: limit) })
    let told = squares(none) - left
    let needed =
      Self.errorsMin * Self.errorsMin * Double(found.count) * left / Double(none.count)
    self = told > needed ? limit : .none
    decode = DecodeSlowing(observed, under: self)
  }

  /// Without what no step shows.
  private var withoutTriton: PowerLimit {
    PowerLimit(excess: excess, relief: 0, slowing: 0, credit: credit, time: time)
  }

  private var logarithms: [Double] {
    [excess, relief, slowing, credit, time].map(Elementary.logarithm)
  }

  private init(logarithms: [Double]) {
    let values = logarithms.map(Elementary.exponential)
    self.init(
      excess: values[0], relief: values[1], slowing: values[2], credit: values[3], time: values[4])
  }

  /// Steps of one machine and model, and which of them are of one size.
  private struct Sequence {
    private let steps: [StepObservation]
    private let floor: Double
    /// Of steps that tell of the limit: those of one size, of which there are several.
    private let sizes: [[Int]]

    /// Whether a step that tells of the limit had attention on Triton.
    var showsTriton: Bool {
      sizes.joined().contains { steps[$0].family.isTriton && steps[$0].attention > .zero }
    }

    init(_ steps: [StepObservation]) {
      let floor = StepObservation.readingWeights(steps)
      var sizes: [Int: [Int]] = [:]
      let inPieces = steps.filter { !$0.launch.isFullGraph }
      for (index, step) in inPieces.enumerated()
      where step.hasPrompts && step.rest >= floorsMin * floor {
        sizes[RestOfStep.roundedToTile(step.launch.tokens), default: []].append(index)
      }
      self.steps = inPieces
      self.floor = floor
      self.sizes = sizes.sorted { $0.key < $1.key }.map(\.value).filter { indices in
        indices.count > 1 && !Self.mayWait(indices.map { inPieces[$0] })
      }
    }

    /// Whether the GPU mostly waits for the launch of such steps.
    private static func mayWait(_ steps: [StepObservation]) -> Bool {
      let gpu = steps.reduce(0) { $0 + $1.gpu.microseconds } / Double(steps.count)
      let launch = steps.map(\.launchTime.microseconds).max() ?? 0
      return gpu < StepObservation.launchMargin * launch
    }

    /// How far each step is from what the others of its size and the limit say, as a fraction.
    func errors(under limit: PowerLimit) -> [Double] {
      let losses = StepObservation.losses(of: steps, under: limit, floor: floor)
      return sizes.flatMap { indices in
        let mean =
          indices.reduce(0) { $0 + steps[$1].rest - losses[$1].lost } / Double(indices.count)
        return indices.map { index in
          let step = steps[index]
          var reserve = losses[index].before
          let loss = reserve.loss(rest: mean, of: step.work(floor: floor))
          let predicted = step.attention.microseconds + mean + loss
          return predicted / step.gpu.microseconds - 1
        }
      }
    }
  }
}

extension StepObservation {
  /// Microseconds that the largest graph takes beside attention: about what reading weights takes.
  static func readingWeights(_ steps: [StepObservation]) -> Double {
    let graphs = steps.filter(\.launch.isFullGraph)
    guard let largest = graphs.map(\.launch.tokens).max() else { return 0 }
    return mean(graphs.filter { $0.launch.tokens == largest })
  }

  /// The mean rest, each step counting by what it tells; zero of none.
  static func mean(_ steps: [StepObservation]) -> Double {
    var (sum, weights) = (0.0, 0.0)
    for step in steps {
      sum += step.weight * step.rest
      weights += step.weight
    }
    return weights > 0 ? sum / weights : 0
  }

  /// Of each step, microseconds lost to the limit and the reserve with which it began.
  static func losses(
    of steps: [StepObservation], under limit: PowerLimit, floor: Double
  ) -> [(lost: Double, before: PowerReserve)] {
    var reserve = PowerReserve(limit)
    return steps.map { step in
      guard step.drawsPower else {
        guard let gap = step.promptGap else { return (0, PowerReserve(limit)) }
        let attention = step.attention.microseconds
        let full = reserve.fullClockDecode(rest: step.rest, attention: attention, after: gap)
        return (step.rest - full, reserve)
      }
      reserve.wait(for: step.promptGap)
      let before = reserve
      let full = reserve.fullClock(rest: step.rest, of: step.work(floor: floor))
      return (step.rest - full, before)
    }
  }

  /// These steps as they would have been without a limit, in their order.
  static func atFullClock(
    _ steps: [StepObservation], under limit: PowerLimit
  ) -> [StepObservation] {
    let losses = losses(of: steps, under: limit, floor: readingWeights(steps))
    return zip(steps, losses).map { step, loss in step.without(loss: loss.lost) }
  }
}

extension PowerReserve {
  /// Recovers for a gap between steps that draw; wholly where none drew before.
  fileprivate mutating func wait(for gap: Nanoseconds?) {
    if let gap { recover(for: gap) } else { self = PowerReserve(limit) }
  }
}

extension RestOfStep {
  /// The rest of an observed step, by the steps and gaps before it.
  func time(of step: StepObservation, reserve: inout PowerReserve) -> Nanoseconds {
    guard step.drawsPower else {
      let time = time(of: step.launch)
      guard let gap = step.promptGap else { return time }
      let loss = reserve.decodeLoss(
        rest: time.microseconds, attention: step.attention.microseconds, after: gap)
      return time + Nanoseconds(microseconds: loss)
    }
    reserve.wait(for: step.promptGap)
    return time(
      ofPromptsIn: step.launch, attention: step.attention, family: step.family, reserve: &reserve)
  }
}
