/// What a step's times differ by from those expected; zeros for those it does not have.
struct StepResiduals {
  var start: Int64 = 0
  var end: Int64 = 0
  var output: Int64 = 0
  var gpu: Int64 = 0
  var forward: Int64 = 0

  /// Overwrites the residuals with those of a step, and moves the clock over it.
  mutating func take(_ step: StepScalars, _ clock: inout StepClock) {
    let start = step.start / clock.unit
    self.start = start &- clock.expectedStart
    clock.noteStart(start)
    let end = step.end / clock.unit
    self.end = end &- clock.expectedScheduleEnd
    clock.noteScheduleEnd(end)
    let gpu = step.gpuTime.map { $0 / clock.gpuUnit }
    self.gpu = 0
    if let gpu {
      self.gpu = gpu &- clock.expectedGPUTime(isDecode: step.isDecode)
      clock.noteGPUTime(gpu, isDecode: step.isDecode)
    }
    forward = 0
    if let time = step.forwardTime {
      let sampling = (gpu ?? 0) &- time / clock.gpuUnit
      forward = sampling &- clock.expectedSampling
      clock.noteSampling(sampling)
    }
    let output = step.output.map { $0 / clock.unit }
    self.output = output.map { $0 &- clock.expectedOutput(gpuTime: gpu) } ?? 0
    clock.noteOutput(output, hasGPUTime: gpu != nil)
  }
}
