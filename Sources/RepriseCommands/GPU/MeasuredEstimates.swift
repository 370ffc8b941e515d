import GPUMeasurement
import KernelSelection
import Reports
import StepTiming

extension MeasuredAttentionTiming {
  /// What was estimated so far, and how well; `nil` where nothing was.
  var estimates: EstimatedShare? {
    let activity = activity
    guard activity.answers.contains(where: { $0.estimated > 0 }) else { return nil }
    let asked = activity.answers.filter { $0.executed + $0.interpolated + $0.estimated > 0 }
    return EstimatedShare(
      answers: asked.map { entry in
        EstimatedShare.Answers(
          form: entry.form.rawValue, executed: entry.executed, interpolated: entry.interpolated,
          estimated: entry.estimated)
      },
      errors: activity.estimates.map { entry in
        TimingDescription.HeldOutError(
          part: "\(entry.variant.name) \(entry.form.rawValue)", error: entry.error)
      })
  }

  /// Whether the measurements are of installed packages' kernels alone.
  var hasPackagesAlone: Bool {
    !variants.contains { $0.package.isEmpty && $0.family.isTriton }
  }
}
