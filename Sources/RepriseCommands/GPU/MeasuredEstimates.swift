import GPUMeasurement
import KernelSelection
import Reports
import StepTiming

extension MeasuredAttentionTiming {
  /// What was estimated so far, and how well; `nil` where nothing was.
  var estimates: EstimatedShare? { estimates(of: variants, after: []) }

  /// What was estimated of some kernels since an earlier look, and how well; `nil` where nothing was.
  ///
  /// - `answers`: what `activity` said of answers then
  func estimates(
    of variants: [KernelVariant], after answers: [MeasuredAnswers]
  ) -> EstimatedShare? {
    let activity = activity
    let since = activity.answers.map { entry in
      entry.minus(answers.first { $0.form == entry.form } ?? MeasuredAnswers(form: entry.form))
    }
    guard since.contains(where: { $0.estimated > 0 }) else { return nil }
    let asked = since.filter { $0.executed + $0.interpolated + $0.estimated > 0 }
    return EstimatedShare(
      answers: asked.map { entry in
        EstimatedShare.Answers(
          form: entry.form.rawValue, executed: entry.executed, interpolated: entry.interpolated,
          estimated: entry.estimated)
      },
      errors: activity.estimates.filter { variants.contains($0.variant) }.map { entry in
        TimingDescription.HeldOutError(
          part: "\(entry.variant.name) \(entry.form.rawValue)", error: entry.error)
      })
  }

  /// Whether the measurements are of installed packages' kernels alone.
  var hasPackagesAlone: Bool {
    !variants.contains { $0.package.isEmpty && $0.family.isTriton }
  }
}
