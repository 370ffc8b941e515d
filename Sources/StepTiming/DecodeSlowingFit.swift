internal import KernelSelection
internal import TraceModel

extension PowerLimit.DecodeSlowing {
  /// Steps longer after a prompt show nothing.
  private static let gapMax = Nanoseconds(300_000_000)
  /// Steps of each sequence that are looked at, evenly chosen.
  private static let stepsMax = 1024
  /// Steps below which nothing is fitted.
  private static let stepsMin = 256
  /// How far steps of one size are apart, as a fraction of their time.
  private static let stepSpread = 0.005
  /// The parameters are told from none by so many of their standard errors.
  private static let errorsMin = 3.0
  /// Where the search begins.
  private static let start = PowerLimit.DecodeSlowing(
    rest: 0.02, attention: 0.1, clockTime: 50_000)

  /// What decode steps behind prompts show best, under a limit that is known for prompts.
  ///
  /// - `sequences`: each of one machine and model, steps in the order that they ran
  init(_ sequences: [[StepObservation]], under limit: PowerLimit) {
    self = .none
    guard limit.credit > 0 else { return }
    let groups = sequences.flatMap { Self.groups($0, under: limit) }
    let none = groups.flatMap { $0.errors(under: .none, limit) }
    guard none.count >= Self.stepsMin else { return }
    let found = RobustLeastSquares.minimize(
      start: Self.start.logarithms, scale: Self.stepSpread
    ) { point in
      groups.flatMap { $0.errors(under: Self(logarithms: point), limit) }
    }
    let slowing = Self(logarithms: found)
    func squares(_ errors: [Double]) -> Double {
      errors.reduce(0) { $0 + min($1 * $1, Self.errorMax * Self.errorMax) }
    }
    let left = squares(groups.flatMap { $0.errors(under: slowing, limit) })
    let needed =
      Self.errorsMin * Self.errorsMin * Double(found.count) * left / Double(none.count)
    if squares(none) - left > needed { self = slowing }
  }

  /// An error beyond this is a pause of the machine and counts as that much.
  private static let errorMax = 0.05

  private var logarithms: [Double] { [rest, attention, clockTime].map(Elementary.logarithm) }

  private init(logarithms: [Double]) {
    let values = logarithms.map(Elementary.exponential)
    self.init(rest: values[0], attention: values[1], clockTime: values[2])
  }

  /// Decode steps that are launched alike.
  private struct Group {
    /// Each with the reserve that the last prompt left, and the time since.
    var steps: [(step: StepObservation, reserve: PowerReserve, gap: Nanoseconds)] = []

    /// How far each step is from what the others of its size and the slowing say, as a fraction.
    func errors(
      under slowing: PowerLimit.DecodeSlowing, _ limit: PowerLimit
    ) -> [Double] {
      var limit = limit
      limit.decode = slowing
      let full = steps.map { entry in
        entry.reserve.under(limit).fullClockDecode(
          rest: entry.step.rest, attention: entry.step.attention.microseconds, after: entry.gap)
      }
      let mean = full.reduce(0, +) / Double(full.count)
      return zip(steps, full).map { entry, full in (mean - full) / entry.step.gpu.microseconds }
    }
  }

  private struct Kind: Hashable {
    let launch: LaunchSize
    let isTriton: Bool
  }

  private static func groups(
    _ steps: [StepObservation], under limit: PowerLimit
  ) -> [Group] {
    let before = StepObservation.losses(
      of: steps, under: limit, floor: StepObservation.readingWeights(steps))
    let seen = steps.indices.filter { index in
      steps[index].launch.isFullGraph && !steps[index].drawsPower
        && steps[index].promptGap.map { $0 <= gapMax } ?? false
    }
    let stride = max(1, (seen.count + stepsMax - 1) / stepsMax)
    var kinds: [Kind] = []
    var groups: [Kind: Group] = [:]
    for (place, index) in seen.enumerated() where place % stride == 0 {
      let step = steps[index]
      guard let gap = step.promptGap else { continue }
      let kind = Kind(launch: LaunchSize(step.launch), isTriton: step.family.isTriton)
      if groups[kind] == nil { kinds.append(kind) }
      groups[kind, default: Group()].steps.append((step, before[index].before, gap))
    }
    return kinds.compactMap { groups[$0] }.filter { $0.steps.count > 1 }
  }
}
