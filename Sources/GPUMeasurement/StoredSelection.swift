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
  private struct Origin: Hashable {
    var machine: MeasuredMachine
    var image: String
  }
  private struct Found {
    var origin: Origin
    var times: [String: Nanoseconds] = [:]
    var failures: [String: String] = [:]
  }

  private let prefix: String
  private let cache: MeasuredState.Cache
  private let machine: MeasuredMachine?
  private let gpu: String
  private let images: [KernelVariant: String]
  private let estimates: Bool
  private var found: [KernelVariant: [Found]] = [:]

  init(
    context: AttentionContext, cache: MeasuredState.Cache, machine: MeasuredMachine?, gpu: String,
    images: [KernelVariant: String], estimates: Bool
  ) {
    let empty = BatchKey(
      AttentionBatch(), in: context, elementType: MeasuredTimes.element
    ).text
    prefix = empty.split(separator: " ").dropLast(2).joined(separator: " ") + " "
    self.cache = cache
    self.machine = machine
    self.gpu = gpu
    self.images = images
    self.estimates = estimates
  }

  mutating func add(_ measurement: Measurement) {
    let key = measurement.key
    guard key.state == MeasuredState(cache: cache), key.batch.text.hasPrefix(prefix),
      let variant = KernelVariant(name: key.variant),
      !estimates || variant.family.isTriton || measurement.status != .partial
    else { return }
    if let machine, variant.family.isTriton {
      guard key.machine == machine, key.kernelImage == images[variant] else { return }
    } else if key.machine.gpu != gpu {
      return
    }
    add(measurement, as: variant)
    if !variant.package.isEmpty, !variant.family.isTriton {
      add(measurement, as: variant.of(package: ""))
    }
  }

  private mutating func add(_ measurement: Measurement, as variant: KernelVariant) {
    let key = measurement.key
    let origin = Origin(machine: key.machine, image: key.kernelImage)
    let index: Int
    if let known = found[variant]?.firstIndex(where: { $0.origin == origin }) {
      index = known
    } else {
      index = found[variant]?.count ?? 0
      found[variant, default: []].append(Found(origin: origin))
    }
    // In place: a copy of what was found so far would be one for each measurement.
    if case .failed(let reason) = measurement.status {
      found[variant]?[index].failures[key.batch.text] = reason
    } else if let median = StoppingRule.median(measurement.samples) {
      found[variant]?[index].times[key.batch.text] = median
    }
  }

  func chosen() -> (
    times: [KernelVariant: [String: Nanoseconds]], failures: [KernelVariant: [String: String]],
    machine: MeasuredMachine?
  ) {
    // The first of the most, in the store's own order, which is the same in equal stores.
    let best = found.compactMapValues { origins in
      origins.reduce(nil as Found?) { best, next in
        guard let best else { return next }
        return next.times.count > best.times.count ? next : best
      }
    }
    // Of all variants' machines that which most of the times are of.
    let machine = best.sorted { $0.key.name < $1.key.name }.reduce(nil as Found?) { most, next in
      next.value.times.count > most?.times.count ?? -1 ? next.value : most
    }?.origin.machine
    return (best.mapValues(\.times), best.mapValues(\.failures), machine)
  }
}
