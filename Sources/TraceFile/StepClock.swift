/// Predicts the times of a chunk's next step from those before it; the same in writer and reader.
///
/// Times are counts of the chunk's units and all sums wrap around 64 bits, so that no stored number
/// can trap; the reader checks the results. Nothing is carried over the start of a chunk, which is
/// what makes chunks independent.
///
/// - Scheduling starts shortly after the output of the step `depth` before (2 with asynchronous
///   scheduling, 1 without), and takes about as long as it last did.
/// - GPU times repeat the last one of their class: all rows with one token, or not.
/// - The forward pass leaves about as much of the GPU time to sampling as it last did.
/// - Output comes a GPU time after the later of the output before and the end of scheduling.
struct StepClock {
  /// Nanoseconds in a unit of time.
  let unit: Int64
  /// Nanoseconds in a unit of GPU time.
  let gpuUnit: Int64
  private let firstStart: Int64
  private let depth: Int
  private let gpuShift: Int64
  private var stepCount = 0
  /// When the last two steps ended, the newer second: their output, or the end of their scheduling.
  private var ends: (Int64, Int64) = (0, 0)
  private var start: Int64 = 0
  private var scheduleEnd: Int64 = 0
  private var startDelay: MovingMean
  private var scheduling: MovingMean
  private var outputDelay: MovingMean
  private var sampling: MovingMean
  /// Sixteenths of the expected GPU time, of mixed batches and of decode-only ones.
  private var mixedGPUTime: Int64?
  private var decodeGPUTime: Int64?

  init(unit: Int64, gpuUnit: Int64, firstStart: Int64, depth: Int, gpuShift: Int64) {
    self.unit = unit
    self.gpuUnit = gpuUnit
    self.firstStart = firstStart
    self.depth = depth
    self.gpuShift = gpuShift
    startDelay = MovingMean(limit: 32_000 / unit, shift: 3)
    scheduling = MovingMean(limit: 64_000 / unit, shift: 2)
    outputDelay = MovingMean(limit: 1_024_000 / unit, shift: 2)
    sampling = MovingMean(limit: 25_600 / gpuUnit, shift: 2)
  }

  @inline(__always)
  private var startBase: Int64 {
    stepCount == 0 ? firstStart : (stepCount < depth || depth == 1 ? ends.1 : ends.0)
  }

  var expectedStart: Int64 {
    @inline(__always) get { stepCount == 0 ? firstStart : startBase &+ startDelay.value }
  }

  @inline(__always)
  mutating func noteStart(_ value: Int64) {
    if stepCount > 0 { startDelay.add(value &- startBase) }
    start = value
  }

  var expectedScheduleEnd: Int64 {
    @inline(__always) get { start &+ scheduling.value }
  }

  @inline(__always)
  mutating func noteScheduleEnd(_ value: Int64) {
    scheduling.add(value &- start)
    scheduleEnd = value
  }

  @inline(__always)
  func expectedGPUTime(isDecode: Bool) -> Int64 {
    ((isDecode ? decodeGPUTime : mixedGPUTime).map { $0 &+ 8 } ?? 0) >> 4
  }

  @inline(__always)
  mutating func noteGPUTime(_ value: Int64, isDecode: Bool) {
    let bounded = min(max(value, -MovingMean.magnitudeMax), MovingMean.magnitudeMax) * 16
    if isDecode {
      decodeGPUTime = Self.moved(decodeGPUTime, to: bounded, gpuShift)
    } else {
      mixedGPUTime = Self.moved(mixedGPUTime, to: bounded, gpuShift)
    }
  }

  @inline(__always)
  private static func moved(_ old: Int64?, to new: Int64, _ shift: Int64) -> Int64 {
    old.map { $0 + ((new - $0) >> shift) } ?? new
  }

  /// What of the GPU time comes after the forward pass; without a GPU time, of zero.
  var expectedSampling: Int64 {
    @inline(__always) get { sampling.value }
  }

  @inline(__always)
  mutating func noteSampling(_ value: Int64) { sampling.add(value) }

  @inline(__always)
  private var outputBase: Int64 { stepCount == 0 ? scheduleEnd : max(ends.1, scheduleEnd) }

  @inline(__always)
  func expectedOutput(gpuTime: Int64?) -> Int64 {
    guard let gpuTime else { return outputBase &+ outputDelay.value }
    return outputBase &+ (gpuTime &* gpuUnit).flooredQuotient(by: unit)
  }

  /// Ends a step, with its output if it has one.
  @inline(__always)
  mutating func noteOutput(_ value: Int64?, hasGPUTime: Bool) {
    if let value, !hasGPUTime { outputDelay.add(value &- outputBase) }
    ends = (ends.1, value ?? scheduleEnd)
    stepCount += 1
  }
}

extension Int64 {
  /// The quotient, rounded towards negative infinity; `divisor` is positive.
  @inline(__always)
  func flooredQuotient(by divisor: Int64) -> Int64 {
    let quotient = self / divisor
    return quotient * divisor > self ? quotient - 1 : quotient
  }
}
