internal import KernelSelection
internal import MeasurementStore
internal import StepTiming
internal import TraceModel

/// What providers have measured under one geometry: times by batch, and models fitted to them.
///
/// Partial times count: a provider on this GPU would measure the batch again and come to the same, where
/// a replay from a store alone (`StoredSelection`) estimates it from full-clock times.
struct ProvidedTimes {
  private(set) var times: [KernelVariant: [String: Nanoseconds]] = [:]
  private(set) var failures: [KernelVariant: [String: String]] = [:]
  /// Fitted to the times of each variant, where they are enough.
  private(set) var fitted: [KernelVariant: FittedKernel] = [:]
  private(set) var machine: MeasuredMachine?

  /// Takes from measurements those of packages' kernels under a geometry.
  ///
  /// - `placement`: how the GPU deals CTAs; `nil` for in turn
  init(
    _ measurements: [Measurement], gpu: String, context: AttentionContext,
    placement: CTAPlacement? = nil
  ) {
    let prefix = MeasuredOrigin.prefix(of: context)
    var found: [KernelVariant: [MeasuredOrigin: [(BatchKey, Nanoseconds)]]] = [:]
    for measurement in measurements {
      let key = measurement.key
      guard let variant = KernelVariant(name: key.variant), !variant.package.isEmpty,
        key.state == MeasuredState(), key.machine.gpu == gpu, key.batch.text.hasPrefix(prefix)
      else { continue }
      if case .failed(let reason) = measurement.status {
        failures[variant, default: [:]][key.batch.text] = reason
      } else if let median = Measurement.median(of: measurement.samples) {
        let origin = MeasuredOrigin(machine: key.machine, image: key.kernelImage)
        found[variant, default: [:]][origin, default: []].append((key.batch, median))
      }
    }
    for (variant, origins) in found.sorted(by: { $0.key.name < $1.key.name }) {
      let best = MeasuredOrigin.best(of: origins, origin: \.key, count: \.value.count)
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
        Self.thinned(measurements), placement: placement, crossValidates: false)
    }
  }

  /// At most a few hundred rows evenly over all: a fit to more takes longer and is no nearer.
  private static func thinned(_ rows: [KernelMeasurement]) -> [KernelMeasurement] {
    let most = GPUMeasurementLimits.fittedRowsMax
    guard rows.count > most else { return rows }
    return (0..<most).map { rows[$0 * rows.count / most] }
  }
}
