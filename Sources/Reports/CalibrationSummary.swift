import KernelSelection
public import StepTiming
import TraceModel

/// What `calibrate` prints: how far the fit is from what it did not see.
public struct CalibrationSummary: Sendable {
  private let profile: MachineProfile

  /// A summary of a fitted profile.
  public init(_ profile: MachineProfile) { self.profile = profile }

  /// A table of held-out errors: kernels first, then steps of each model.
  public func text() -> String {
    var table = TextTable([
      ("error on data not fitted to", .left), ("median", .right), ("90th percentile", .right),
      ("worst", .right), ("rows", .right),
    ])
    for kernel in profile.kernels { add(kernel.variant.name, kernel.heldOut, to: &table) }
    for model in profile.models {
      add("\(model.shape.name): decode steps", model.decodeStepError, to: &table)
      add("\(model.shape.name): steps with prompts", model.mixedStepError, to: &table)
    }
    return "\(profile.gpu), \(profile.smCount) multiprocessors\n" + table.text()
  }

  private func add(_ name: String, _ error: FitError?, to table: inout TextTable) {
    guard let error else {
      table.add([name, "-", "-", "-", "one recording"])
      return
    }
    table.add([
      name, NumberText.percent(error.median), NumberText.percent(error.p90),
      NumberText.percent(error.max), NumberText.grouped(error.rows),
    ])
  }
}
