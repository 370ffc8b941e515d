internal import KernelSelection
internal import MeasurementStore
internal import StepTiming
internal import TraceModel

/// What providers have measured under one geometry: times by batch, and models fitted to them.
struct ProvidedTimes {
  private(set) var times: [KernelVariant: [String: Nanoseconds]] = [:]
  private(set) var failures: [KernelVariant: [String: String]] = [:]
  /// Fitted to the times of each variant, where they are enough.
  private(set) var fitted: [KernelVariant: FittedKernel] = [:]
  private(set) var machine: MeasuredMachine?

  /// Reads a store; a file that is not there has nothing.
  init(path: String, gpu: String, context: AttentionContext) throws(GPUMeasurementError) {
    let prefix = Self.prefix(of: context)
    var found: [KernelVariant: [Origin: [(BatchKey, Nanoseconds)]]] = [:]
    do throws(MeasurementStoreError) {
      let store = try MeasurementStore(path: path, mode: .readOnly)
      try store.forEach { (measurement) throws(MeasurementStoreError) in
        let key = measurement.key
        guard let variant = KernelVariant(name: key.variant), !variant.package.isEmpty,
          key.state == MeasuredState(), key.machine.gpu == gpu, key.batch.text.hasPrefix(prefix)
        else { return }
        if case .failed(let reason) = measurement.status {
          failures[variant, default: [:]][key.batch.text] = reason
        } else if let median = StoppingRule.median(measurement.samples) {
          let origin = Origin(machine: key.machine, image: key.kernelImage)
          found[variant, default: [:]][origin, default: []].append((key.batch, median))
        }
      }
    } catch { throw .store(error) }
    for (variant, origins) in found.sorted(by: { $0.key.name < $1.key.name }) {
      // Of several drivers or images that which most batches were measured with.
      let best = origins.sorted { $0.key.words < $1.key.words }.max {
        $0.value.count < $1.value.count
      }
      guard let best else { continue }
      times[variant] = Dictionary(
        best.value.map { ($0.0.text, $0.1) }, uniquingKeysWith: { first, _ in first })
      if machine == nil { machine = best.key.machine }
      let measurements = best.value.compactMap { key, time in
        key.described.map { described in
          KernelMeasurement(
            batch: described.batch, context: context, variant: variant,
            microseconds: Double(max(1, time.rawValue)) / 1e3)
        }
      }
      fitted[variant] = KernelFit.fit(
        Self.thinned(measurements), crossValidates: false)
    }
  }

  private struct Origin: Hashable {
    var machine: MeasuredMachine
    var image: String
    var words: String { "\(machine.gpu) \(machine.smCount) \(machine.driver) \(image)" }
  }

  /// At most a few hundred rows evenly over all: a fit to more takes longer and is no nearer.
  private static func thinned(_ rows: [KernelMeasurement]) -> [KernelMeasurement] {
    let most = GPUMeasurementLimits.fittedRowsMax
    guard rows.count > most else { return rows }
    return (0..<most).map { rows[$0 * rows.count / most] }
  }

  private static func prefix(of context: AttentionContext) -> String {
    let empty = BatchKey(AttentionBatch(), in: context, elementType: MeasuredTimes.element).text
    return empty.split(separator: " ").dropLast(2).joined(separator: " ") + " "
  }
}
