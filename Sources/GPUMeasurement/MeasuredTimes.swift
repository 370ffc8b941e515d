internal import CUDADriver
internal import KernelImages
internal import KernelSelection
internal import MeasurementStore
internal import StepTiming
internal import TraceModel

/// Times of batches by key, with the store that they come from and the bench that adds to them.
///
/// Used by one thread at a time.
struct MeasuredTimes: ~Copyable {
  /// The element type of queries and cache; all that is built by default.
  static let element = "bf16"

  let variants: [KernelVariant]
  let machine: MeasuredMachine
  private let store: MeasurementStore?
  let bench: AttentionBench?
  private let programs: [KernelVariant: KernelProgram]
  private let cache: MeasuredState.Cache
  private let context: AttentionContext
  private var times: [KernelVariant: [String: Nanoseconds]]
  private var failures: [KernelVariant: [String: String]]
  private var measured = 0
  /// Errors of interpolation where it was probed, by variant and the shorter neighbour's key.
  var probes = InterpolationProbes()

  init(
    path: String?, imported: [Measurement], bench: AttentionBench?, gpu: String,
    context: AttentionContext, cache: MeasuredState.Cache
  ) throws(GPUMeasurementError) {
    var programs: [KernelVariant: KernelProgram] = [:]
    if let bench {
      do { programs = try bench.manifest.programs(in: context) } catch { throw .image(error) }
    }
    let built = Array(programs.keys)
    var selection = StoredSelection(
      context: context, cache: cache, machine: bench?.machine, gpu: gpu,
      images: programs.mapValues(\.imageHash))
    let store = try Self.opened(path, mode: bench == nil ? .readOnly : .readWrite) {
      selection.add($0)
    }
    for measurement in imported { selection.add(measurement) }
    let chosen = selection.chosen()
    times = chosen.times
    failures = chosen.failures
    machine =
      bench?.machine ?? chosen.machine
      ?? MeasuredMachine(gpu: gpu, smCount: context.smCount, driver: "unknown")
    // Both ways in one order, so that a report does not depend on where times come from.
    variants = Set(built).union(chosen.times.keys).sorted {
      ($0.family.rawValue, $0.segments) < ($1.family.rawValue, $1.segments)
    }
    self.store = store
    self.programs = programs
    self.bench = bench
    self.context = context
    self.cache = cache
  }

  /// Opens a store, where there is a path, and gives all of it to `body`.
  private static func opened(
    _ path: String?, mode: MeasurementStore.Mode, _ body: (Measurement) -> Void
  ) throws(GPUMeasurementError) -> MeasurementStore? {
    guard let path else { return nil }
    do throws(MeasurementStoreError) {
      let store = try MeasurementStore(path: path, mode: mode)
      try store.forEach { (measurement) throws(MeasurementStoreError) in body(measurement) }
      return store
    } catch { throw .store(error) }
  }

  var activity: MeasurementActivity {
    var activity = bench?.activity ?? MeasurementActivity()
    activity.measured = measured
    activity.interpolation = probes.error
    return activity
  }

  /// The time of a batch if it was measured; an error if it failed then.
  func known(
    _ variant: KernelVariant, _ batch: AttentionBatch, in context: AttentionContext
  ) throws(TimingError) -> Nanoseconds? {
    try known(variant, BatchKey(batch, in: context, elementType: Self.element).text, batch)
  }

  private func known(
    _ variant: KernelVariant, _ key: String, _ batch: AttentionBatch
  ) throws(TimingError) -> Nanoseconds? {
    if let time = times[variant]?[key] { return time }
    if let reason = failures[variant]?[key] {
      throw .execution(
        GPUMeasurementError.failedBefore(
          variant: variant.name, batch: AttentionBench.words(for: batch), reason: reason
        ).message)
    }
    return nil
  }

  /// The time of a batch, measured now if need be.
  mutating func time(
    of variant: KernelVariant, _ batch: AttentionBatch, in context: AttentionContext
  ) throws(TimingError) -> Nanoseconds {
    let key = BatchKey(batch, in: context, elementType: Self.element)
    if let time = try known(variant, key.text, batch) { return time }
    guard let bench, let program = programs[variant] else {
      throw .batchWithoutTiming(
        variant: variant.name,
        batch: "this kind in the measurements (\(AttentionBench.words(for: batch)); "
          + "'reprise measure' on a GPU adds it)")
    }
    do throws(GPUMeasurementError) {
      let time = try measure(program, batch, key, bench, in: context)
      times[variant, default: [:]][key.text] = time
      return time
    } catch {
      throw .execution(error.message)
    }
  }

  private mutating func measure(
    _ program: KernelProgram, _ batch: AttentionBatch, _ batchKey: BatchKey,
    _ bench: AttentionBench, in context: AttentionContext
  ) throws(GPUMeasurementError) -> Nanoseconds {
    let key = MeasurementKey(
      machine: machine, kernelImage: program.imageHash, variant: program.variant,
      batch: batchKey, state: MeasuredState(cache: cache))
    do throws(GPUMeasurementError) {
      let result = try bench.measure(program, on: batch, in: context, cache: cache)
      measured += 1
      let set = SampleSet(
        samples: result.samples, smMegahertz: result.clocks?.smMegahertz,
        memoryMegahertz: result.clocks?.memoryMegahertz,
        throttleReasons: result.clocks?.throttling.rawValue, date: UTCDate.now())
      try append(set, to: key, status: result.isComplete ? .complete : .partial)
      return StoppingRule.median(result.samples) ?? .zero
    } catch {
      // What costs the context would cost it again; what lacked memory may find some next time.
      if error.isSticky {
        try? append(nil, to: key, status: .failed(reason: error.message))
      }
      throw error
    }
  }

  private func append(
    _ set: SampleSet?, to key: MeasurementKey, status: MeasurementStatus
  ) throws(GPUMeasurementError) {
    do { try store?.append(set, to: key, status: status) } catch { throw .store(error) }
  }
}

/// Picks out of a store what one replay can use.
///
/// With a bench that is what was measured on this machine with these images. Without one it is, for
/// each variant, the machine of the GPU's name and the image that most batches were measured with.
private struct StoredSelection {
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
  private var found: [KernelVariant: [Found]] = [:]

  init(
    context: AttentionContext, cache: MeasuredState.Cache, machine: MeasuredMachine?, gpu: String,
    images: [KernelVariant: String]
  ) {
    let empty = BatchKey(
      AttentionBatch(), in: context, elementType: MeasuredTimes.element
    ).text
    prefix = empty.split(separator: " ").dropLast(2).joined(separator: " ") + " "
    self.cache = cache
    self.machine = machine
    self.gpu = gpu
    self.images = images
  }

  mutating func add(_ measurement: Measurement) {
    let key = measurement.key
    guard key.state == MeasuredState(cache: cache), key.batch.text.hasPrefix(prefix),
      let variant = KernelVariant(name: key.variant)
    else { return }
    if let machine {
      guard key.machine == machine, key.kernelImage == images[variant] else { return }
    } else if key.machine.gpu != gpu {
      return
    }
    let origin = Origin(machine: key.machine, image: key.kernelImage)
    var origins = found[variant] ?? []
    let index =
      origins.firstIndex { $0.origin == origin }
      ?? {
        origins.append(Found(origin: origin))
        return origins.count - 1
      }()
    if case .failed(let reason) = measurement.status {
      origins[index].failures[key.batch.text] = reason
    } else if let median = StoppingRule.median(measurement.samples) {
      origins[index].times[key.batch.text] = median
    }
    found[variant] = origins
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
    let machines = best.keys.sorted { $0.name < $1.name }.compactMap { best[$0]?.origin.machine }
    return (best.mapValues(\.times), best.mapValues(\.failures), machines.first)
  }
}
