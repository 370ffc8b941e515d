public import StepTiming

/// What a calibration prints: each part of a profile with its error on data it was not fitted to.
public struct CalibrationReport: Sendable {
  private let profile: MachineProfile

  /// The report of a profile.
  public init(profile: MachineProfile) { self.profile = profile }

  /// The report, ended by a newline.
  public var text: String {
    var table = TextTable([
      ("error on data not fitted to", .left), ("median", .right), ("p90", .right), ("max", .right),
      ("rows", .right),
    ])
    func add(_ name: String, _ error: FitError?) {
      guard let error else { return }
      table.add(
        [name] + [error.median, error.p90, error.max].map { NumberText.percent($0) } + [
          NumberText.grouped(error.rows)
        ])
    }
    for kernel in profile.kernels { add(kernel.variant.name, kernel.heldOut) }
    for model in profile.models {
      add("\(model.shape.name), decode steps", model.decodeStepError)
      add("\(model.shape.name), steps with prompts", model.mixedStepError)
    }
    return "Profile of \(profile.gpu), \(profile.smCount) SMs\n\n" + table.text(indent: 2)
  }
}
