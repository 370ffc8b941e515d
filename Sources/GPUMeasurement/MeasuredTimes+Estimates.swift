internal import KernelSelection
internal import MeasurementStore
internal import StepTiming
internal import TraceModel

// Batches that cannot be executed here and have not been elsewhere.
extension MeasuredTimes {
  /// Whether a batch of a variant that has no measurement is estimated.
  func isEstimated(_ variant: KernelVariant) -> Bool {
    estimates && (bench == nil || programs[variant] == nil)
  }

  /// The time of a batch as it is: measured, measured now, or estimated where neither can be.
  mutating func answer(
    of variant: KernelVariant, _ batch: AttentionBatch, in context: AttentionContext
  ) throws(TimingError) -> Nanoseconds {
    if isEstimated(variant), try known(variant, batch, in: context) == nil,
      let time = estimate(variant, batch, in: context)
    {
      return counted(time, of: batch, as: \.estimated)
    }
    return counted(try time(of: variant, batch, in: context), of: batch, as: \.executed)
  }

  /// A time, noted as one found in some way.
  mutating func counted(
    _ time: Nanoseconds, of batch: AttentionBatch, as way: WritableKeyPath<MeasuredAnswers, Int>
  ) -> Nanoseconds {
    let form = EstimatedKernel.Form(batch.summary)
    for index in answers.indices where answers[index].form == form {
      answers[index][keyPath: way] += 1
    }
    return time
  }

  /// The time that the measurements suggest; `nil` where they have too few batches like this one.
  mutating func estimate(
    _ variant: KernelVariant, _ batch: AttentionBatch, in context: AttentionContext
  ) -> Nanoseconds? {
    if estimators[variant] == nil {
      estimators[variant] = .some(
        EstimatedKernel(
          // Sorted, so that equal stores give equal estimates.
          (times[variant] ?? [:]).sorted { $0.key < $1.key }.compactMap { text, time in
            BatchKey(text: text).described.map { described in
              KernelMeasurement(
                batch: described.batch, context: context, variant: variant,
                microseconds: Double(max(1, time.rawValue)) / 1e3)
            }
          }, placement: options.placement))
    }
    guard let estimator = estimators[variant] ?? nil,
      let microseconds = estimator.microseconds(for: batch, in: context)
    else { return nil }
    return Nanoseconds(Int64((microseconds * 1e3).rounded()))
  }

  /// The errors of what was estimated, in a fixed order.
  var estimateErrors: [EstimateError] {
    var errors: [EstimateError] = []
    for variant in variants {
      guard let kernel = estimators[variant] ?? nil else { continue }
      for form in EstimatedKernel.Form.allCases {
        guard let error = kernel.heldOut[form] else { continue }
        errors.append(EstimateError(variant: variant, form: form, error: error))
      }
    }
    return errors
  }
}
