import KernelSelection
public import StepTiming
import TraceModel

/// What a calibration prints: each part of a profile with its error on data it was not fitted to.
public struct CalibrationReport: Sendable {
  private let profile: MachineProfile
  private let heldOut: [(part: String, error: FitError)]

  /// The report of a profile.
  ///
  /// - `heldOut`: its errors on measurements that were kept apart, by part
  public init(profile: MachineProfile, heldOut: [(part: String, error: FitError)] = []) {
    self.profile = profile
    self.heldOut = heldOut
  }

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
    for (part, error) in heldOut { add(part, error) }
    return "Profile of \(profile.gpu), \(profile.smCount) SMs\n\n" + table.text(indent: 2)
  }
}
