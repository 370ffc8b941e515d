import GPUMeasurement
import KernelSelection
import MeasurementStore
import StepTiming
import TraceModel

/// Measured calls of stores and exports, as calibration takes them.
struct MeasuredKernels {
  /// Rows of one variant that a fit looks at; more cost time and move no parameter.
  private static let rowsMax = 500

  /// One GPU and its SMs, as the files name them; `nil` for no measurement.
  private(set) var machine: MeasuredMachine?
  private(set) var calls: [KernelMeasurement] = []

  /// Reads files, of which all measurements must be of one kind of GPU; taken are cold ones at the
  /// GPU's full clock, that is, complete ones.
  init(_ paths: [String]) throws {
    for path in paths {
      for measurement in try MeasurementFile.all(path) {
        guard measurement.key.state == MeasuredState(), measurement.status == .complete,
          let named = KernelVariant(name: measurement.key.variant),
          let described = measurement.key.batch.described, let median = measurement.median,
          median > .zero
        else { continue }
        let own = measurement.key.machine
        if let machine, machine.gpu != own.gpu {
          throw CommandError.usage(
            "'\(path)' has times of '\(own.gpu)' beside '\(machine.gpu)'; calibrate each on its own"
          )
        }
        machine = machine ?? own
        calls.append(
          KernelMeasurement(
            batch: described.batch, context: described.context(smCount: own.smCount),
            variant: Self.fitted(named), microseconds: median.microseconds))
      }
    }
  }

  /// The variant that a call's time is fitted as: a kernel that comes from packages alone loses the
  /// package's name, since engines and policies name it without one.
  private static func fitted(_ variant: KernelVariant) -> KernelVariant {
    variant.family.isTriton ? variant : variant.of(package: "")
  }

  /// The calls that a fit looks at: where a variant has more than enough, evenly chosen ones, as many of
  /// each kind of batch, so that the kind that was measured most does not decide alone.
  var forFit: [KernelMeasurement] {
    variants.flatMap { variant in
      let own = calls.filter { $0.variant == variant }
      guard own.count > Self.rowsMax else { return own }
      let kinds = SampleKind.allCases.map { kind in own.filter { SampleKind($0.batch) == kind } }
        .filter { !$0.isEmpty }.sorted { $0.count < $1.count }
      var left = Self.rowsMax
      return kinds.enumerated().flatMap { index, calls in
        let count = min(calls.count, left / (kinds.count - index))
        left -= count
        return (0..<count).map { calls[$0 * calls.count / count] }
      }
    }
  }

  private var variants: [KernelVariant] {
    calls.map(\.variant).reduce(into: []) { known, variant in
      if !known.contains(variant) { known.append(variant) }
    }
  }

  /// How far fitted kernels are from these calls, for each variant and kind of batch, and over all.
  func errors(of profile: MachineProfile) -> [(part: String, error: FitError)] {
    let timing = ProfileAttentionTiming(profile.kernels)
    var errors: [String: [Double]] = [:]
    var all: [Double] = []
    for call in calls {
      guard
        let time = try? timing.attentionTime(
          of: call.variant, for: call.batch, in: call.context)
      else { continue }
      let error = (time.microseconds / call.microseconds - 1).magnitude
      errors["\(call.variant.name), \(SampleKind(call.batch).rawValue)", default: []].append(error)
      all.append(error)
    }
    var parts = variants.flatMap { variant in
      SampleKind.allCases.map { "\(variant.name), \($0.rawValue)" }
    }.map { ($0, errors[$0] ?? []) }
    parts.append(("all batches", all))
    return parts.compactMap { part, errors in
      FitError(absoluteErrors: errors).map { ("held out: \(part)", $0) }
    }
  }
}
