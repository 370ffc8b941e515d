internal import KernelSelection
public import TraceModel

/// What a step with prompts loses where another such step ended shortly before.
///
/// Matrix products on prompts draw all the power that a GPU may have. After some tens of milliseconds of
/// decode steps, which draw less, the first part of the next prompt runs at a higher clock until the
/// power's running average reaches its limit again; directly behind another prompt it does not. On an
/// H200, steps with 1,000 prompt tokens take 5 of 70 ms longer so, half of that after one decode step, nothing
/// after 60 ms, and steps with 2,000 no more than those with 1,000 (`ACCURACY.md`).
///
/// `loss = share × min(rest, span) × e^(−gap / time)`
public struct PromptRecovery: Hashable, Sendable {
  /// Loss directly behind another prompt, as a fraction of the rest, within `span`.
  public let share: Double
  /// Microseconds of the rest that can be lost from.
  public let span: Double
  /// Microseconds in which the loss falls to 1 / e.
  public let time: Double

  /// No step loses anything.
  public static let none = PromptRecovery(share: 0, span: 0, time: 1)

  /// Given parameters; `time` must be positive.
  public init(share: Double, span: Double, time: Double) {
    precondition(time > 0, "a recovery takes a while")
    self.share = share
    self.span = span
    self.time = time
  }

  /// Microseconds that a step in pieces loses.
  ///
  /// - `rest`: its rest of step without the loss, in microseconds
  /// - `gap`: since the end of the last step with prompts; `nil` where there was none
  public func loss(rest: Double, after gap: Nanoseconds?) -> Double {
    guard let gap, share > 0 else { return 0 }
    return share * min(rest, span) * Elementary.exponential(-gap.microseconds / time)
  }
}

/// How long ago the last step with prompts ended.
struct PromptGap: Hashable, Sendable {
  /// `nil` before the first.
  private(set) var length: Nanoseconds?

  /// The engine rests.
  mutating func rest(for time: Nanoseconds) { length = length.map { $0 + time } }

  /// A step takes the GPU `gpu`.
  mutating func add(gpu: Nanoseconds, hasPrompts: Bool) {
    if hasPrompts { length = .zero } else { rest(for: gpu) }
  }
}

extension PromptRecovery {
  /// Steps in pieces below which nothing is fitted.
  private static let stepsMin = 48
  /// Steps of one size that tell its mean, for `span`.
  private static let sizeStepsMin = 8
  /// The slope is told from zero by so many of its standard errors.
  private static let errorsMin = 3.0
  /// Milliseconds of `time` that are tried.
  private static let times = [5, 7, 10, 14, 20, 28, 40, 56, 80, 112, 160]

  /// The recovery that steps in pieces show best, by least squares over the steps of each size.
  init(_ observations: [StepObservation]) {
    var sizes: [Int: [StepObservation]] = [:]
    for step in observations where step.showsSpread {
      sizes[RestOfStep.roundedToTile(step.launch.tokens), default: []].append(step)
    }
    let groups = sizes.sorted { $0.key < $1.key }.map(\.value).filter { $0.count > 1 }
    let count = groups.reduce(0) { $0 + $1.count }
    guard count >= Self.stepsMin,
      let span = groups.first(where: { $0.count >= Self.sizeStepsMin }).map(Self.meanRest)
    else {
      self = .none
      return
    }
    let lines = Self.times.map {
      (time: Double($0) * 1e3, line: Line(groups, time: Double($0) * 1e3))
    }
    guard let best = lines.min(by: { $0.line.residual < $1.line.residual }),
      best.line.slope > Self.errorsMin * best.line.error(steps: count)
    else {
      self = .none
      return
    }
    self.init(share: best.line.slope / span, span: span, time: best.time)
  }

  private static func meanRest(_ steps: [StepObservation]) -> Double {
    steps.reduce(0) { $0 + $1.rest } / Double(steps.count)
  }

  /// The loss per unit of what is left of a prompt, sizes having their own means.
  private struct Line {
    var slope = 0.0
    var residual = 0.0
    private var squares = 0.0

    init(_ groups: [[StepObservation]], time: Double) {
      var (products, total) = (0.0, 0.0)
      for steps in groups {
        let points = steps.map { step in
          let left = step.promptGap.map { Elementary.exponential(-$0.microseconds / time) } ?? 0
          return (x: left, y: step.rest, weight: 1 / (step.rest * step.rest))
        }
        let weights = points.reduce(0) { $0 + $1.weight }
        let x = points.reduce(0) { $0 + $1.weight * $1.x } / weights
        let y = points.reduce(0) { $0 + $1.weight * $1.y } / weights
        for point in points {
          squares += point.weight * (point.x - x) * (point.x - x)
          products += point.weight * (point.x - x) * (point.y - y)
          total += point.weight * (point.y - y) * (point.y - y)
        }
      }
      slope = squares > 0 ? products / squares : 0
      residual = total - slope * products
    }

    /// Standard error of the slope.
    func error(steps: Int) -> Double {
      squares > 0 ? (max(0, residual) / Double(steps) / squares).squareRoot() : .infinity
    }
  }
}
