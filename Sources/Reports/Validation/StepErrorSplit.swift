import KernelSelection
import StepTiming
import TraceModel

/// Splits the error of step times into what attention is to blame for, what the rest is, and what is
/// left over from step to step.
///
/// Among steps launched alike, the part of the error that grows with the modelled attention time is
/// attention's: one slope for all steps, by least squares; one within two standard errors of zero is
/// taken as none. Their mean error is the rest's where the rest comes from a profile. Where it comes
/// from the trace, it makes good whatever the recorded kernel's timing got wrong, so what remains is
/// an error in the difference between two kernels, and attention's.
struct StepErrorSplit {
  /// A launch's mean error and mean modelled attention, in milliseconds.
  private struct Group {
    var error: Double
    var attention: Double
  }

  private let isRestRecorded: Bool
  /// Error of attention for each unit of modelled attention beside the launch's mean.
  private(set) var slope = 0.0
  private var means: [StepLaunch: Group] = [:]

  init(_ steps: [ComparedStep], isRestRecorded: Bool) {
    self.isRestRecorded = isRestRecorded
    var sums: [StepLaunch: Sums] = [:]
    var launches: [StepLaunch] = []
    for step in steps {
      guard let error = Self.error(step) else { continue }
      let launch = Self.group(step.model.launch)
      if sums[launch] == nil { launches.append(launch) }
      sums[launch, default: Sums()].add(step.model.attention.milliseconds, error)
    }
    let groups = launches.compactMap { sums[$0] }
    let freedom = groups.reduce(0) { $0 + $1.count } - Double(groups.count) - 1
    let xx = groups.reduce(0) { $0 + $1.xx }
    let xy = groups.reduce(0) { $0 + $1.xy }
    let yy = groups.reduce(0) { $0 + $1.yy }
    if freedom > 0, xx > 0 {
      let fitted = xy / xx
      let variance = max(0, yy - fitted * xy) / freedom / xx
      if fitted * fitted > 4 * variance { slope = fitted }
    }
    for launch in launches {
      guard let group = sums[launch] else { continue }
      means[launch] = Group(error: group.meanY, attention: group.meanX)
    }
  }

  /// A step's model time without the error of attention.
  func withoutAttentionError(_ step: ComparedStep) -> StepTime {
    var time = step.model
    guard step.recorded != nil, let mean = means[Self.group(time.launch)] else { return time }
    let error = slope * (time.attention.milliseconds - mean.attention)
    time.attention = Self.less(time.attention, error + (isRestRecorded ? mean.error : 0))
    return time
  }

  /// The same without the error of the rest either.
  func withoutModelError(_ step: ComparedStep) -> StepTime {
    var time = withoutAttentionError(step)
    guard step.recorded != nil, !isRestRecorded, let mean = means[Self.group(time.launch)] else {
      return time
    }
    time.rest = Self.less(time.rest, mean.error)
    return time
  }

  /// The recorded time.
  static func recorded(_ step: ComparedStep) -> StepTime {
    var time = step.model
    if let recorded = step.recorded { time.rest = recorded - time.attention }
    return time
  }

  private static func error(_ step: ComparedStep) -> Double? {
    step.recorded.map { (step.modelled - $0).milliseconds }
  }

  private static func less(_ time: Nanoseconds, _ milliseconds: Double) -> Nanoseconds {
    time - Nanoseconds(Int64((milliseconds * 1e6).rounded()))
  }

  /// Matrix products compute in tiles, so steps in pieces are alike that have as many.
  private static func group(_ launch: StepLaunch) -> StepLaunch {
    switch launch {
    case .fullGraph: launch
    case .piecewise(let tokens): .piecewise(paddedTokens: RestOfStep.roundedToTile(tokens))
    case .eager(let tokens): .eager(tokens: RestOfStep.roundedToTile(tokens))
    }
  }

  /// Running means and products of deviations (Welford), which long sums would lose digits of.
  private struct Sums {
    var count = 0.0
    var meanX = 0.0
    var meanY = 0.0
    var xx = 0.0
    var xy = 0.0
    var yy = 0.0

    mutating func add(_ x: Double, _ y: Double) {
      count += 1
      let dx = x - meanX
      let dy = y - meanY
      meanX += dx / count
      meanY += dy / count
      xx += dx * (x - meanX)
      xy += dx * (y - meanY)
      yy += dy * (y - meanY)
    }
  }
}

/// Gives steps the times of a list, in its order.
struct ScriptedTimer: StepTimer {
  private let times: [StepTime]
  private var next = 0

  init(_ times: [StepTime]) { self.times = times }

  mutating func time(of batch: inout AttentionBatch) throws(TimingError) -> StepTime {
    defer { next += 1 }
    return times[next]
  }
}
