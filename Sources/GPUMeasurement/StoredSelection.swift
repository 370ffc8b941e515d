internal import KernelSelection
internal import MeasurementStore
internal import TraceModel

/// Picks out of a store what one replay can use.
///
/// With a bench that is what was measured on this machine with these images. Without one it is, for
/// each variant, the machine of the GPU's name and the image that most batches were measured with; so
/// also with one for kernels that come from packages alone, which no bench executes. A name of such a
/// kernel without a package stands for that of the package that most batches were measured with.
///
/// Where batches can be estimated, partial times of libraries' kernels count as none: their clock had
/// fallen to the power limit, which a step counts for itself (`PowerLimit`).
struct StoredSelection {
  private struct Found {
    var origin: MeasuredOrigin
    var times: [String: Nanoseconds] = [:]
    var failures: [String: String] = [:]
  }

  private let prefix: String
  /// How measurements that are used were taken.
  let state: MeasuredState
  private let machine: MeasuredMachine?
  private let gpu: String
  private let images: [KernelVariant: String]
  private let estimates: Bool
  private var found: [KernelVariant: [Found]] = [:]
  private var places: [MeasuredKernel: [(variant: KernelVariant, index: Int)]] = [:]

  init(
    context: AttentionContext, cache: MeasuredState.Cache, machine: MeasuredMachine?, gpu: String,
    images: [KernelVariant: String], estimates: Bool
  ) {
    prefix = MeasuredOrigin.prefix(of: context)
    state = MeasuredState(cache: cache)
    self.machine = machine
    self.gpu = gpu
    self.images = images
    self.estimates = estimates
  }

  mutating func add(_ measurement: Measurement) {
    let key = measurement.key
    guard key.state == state else { return }
    let kernel = MeasuredKernel(
      machine: key.machine, image: key.kernelImage, variant: key.variant)
    add(kernel, key.batch, measurement.status, measurement.samples)
  }

  /// Adds what was measured of one batch in `state`.
  mutating func add(
    _ kernel: MeasuredKernel, _ batch: BatchKey, _ status: MeasurementStatus,
    _ samples: [Nanoseconds]
  ) {
    guard batch.text.hasPrefix(prefix) else { return }
    // In place: a copy of what was found so far would be one for each measurement.
    for (variant, index) in places(of: kernel) {
      guard !estimates || variant.family.isTriton || status != .partial else { continue }
      if case .failed(let reason) = status {
        found[variant]?[index].failures[batch.text] = reason
      } else if let median = Measurement.median(of: samples) {
        found[variant]?[index].times[batch.text] = median
      }
    }
  }

  /// Where measurements of a kernel go: under its variant, and if it is a package's, also under the name
  /// without one; nowhere where they cannot be used.
  private mutating func places(of kernel: MeasuredKernel) -> [(variant: KernelVariant, index: Int)]
  {
    if let known = places[kernel] { return known }
    var names: [KernelVariant] = []
    if let variant = KernelVariant(name: kernel.variant), isWanted(kernel, variant) {
      names = [variant]
      if !variant.package.isEmpty, !variant.family.isTriton {
        names.append(variant.of(package: ""))
      }
    }
    let origin = MeasuredOrigin(machine: kernel.machine, image: kernel.image)
    let all = names.map { variant in
      found[variant, default: []].append(Found(origin: origin))
      return (variant: variant, index: (found[variant]?.count ?? 1) - 1)
    }
    places[kernel] = all
    return all
  }

  private func isWanted(_ kernel: MeasuredKernel, _ variant: KernelVariant) -> Bool {
    if let machine, variant.family.isTriton {
      return kernel.machine == machine && kernel.image == images[variant]
    }
    return kernel.machine.gpu == gpu
  }

  func chosen() -> (
    times: [KernelVariant: [String: Nanoseconds]], failures: [KernelVariant: [String: String]],
    machine: MeasuredMachine?
  ) {
    let best = found.compactMapValues { origins in
      MeasuredOrigin.best(
        of: origins.filter { !$0.times.isEmpty || !$0.failures.isEmpty }, origin: \.origin,
        count: \.times.count)
    }
    // Of all variants' machines that which most of the times are of.
    let machine = best.sorted { $0.key.name < $1.key.name }.reduce(nil as Found?) { most, next in
      next.value.times.count > most?.times.count ?? -1 ? next.value : most
    }?.origin.machine
    return (best.mapValues(\.times), best.mapValues(\.failures), machine)
  }
}
