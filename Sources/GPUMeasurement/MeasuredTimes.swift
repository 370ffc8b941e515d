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
  let programs: [KernelVariant: KernelProgram]
  let options: MeasuredTimingOptions
  let context: AttentionContext
  private(set) var times: [KernelVariant: [String: Nanoseconds]]
  private var failures: [KernelVariant: [String: String]]
  private var measured = 0
  /// Whether a batch that cannot be executed here is estimated from those that were.
  var estimates: Bool { !options.isExact }
  /// Fitted to `times` where one was first needed; `nil` where they are too few.
  var estimators: [KernelVariant: EstimatedKernel?] = [:]
  /// How answers were found, by the form of the batch.
  var answers = EstimatedKernel.Form.allCases.map { MeasuredAnswers(form: $0) }
  /// Errors of interpolation where it was probed, by variant and the shorter neighbour's key.
  var probes = InterpolationProbes()
  /// The batch that grows under each variant, which the next one most likely continues.
  var growing: [KernelVariant: GrowingBatches] = [:]

  init(
    path: String?, imported: [Measurement], bench: AttentionBench?, gpu: String,
    context: AttentionContext, options: MeasuredTimingOptions
  ) throws(GPUMeasurementError) {
    var programs: [KernelVariant: KernelProgram] = [:]
    if let bench {
      do { programs = try bench.manifest.programs(in: context) } catch { throw .image(error) }
    }
    let built = Array(programs.keys)
    var selection = StoredSelection(
      context: context, cache: options.cache, machine: bench?.machine, gpu: gpu,
      images: programs.mapValues(\.imageHash), estimates: !options.isExact)
    let store = try Self.opened(path, mode: bench == nil ? .readOnly : .readWrite, &selection)
    for measurement in imported { selection.add(measurement) }
    let chosen = selection.chosen()
    times = chosen.times
    failures = chosen.failures
    machine =
      bench?.machine ?? chosen.machine
      ?? MeasuredMachine(gpu: gpu, smCount: context.smCount, driver: "unknown")
    // Both ways in one order, so that a report does not depend on where times come from.
    variants = Set(built).union(chosen.times.keys).sorted {
      ($0.family.rawValue, $0.segments, $0.package)
        < ($1.family.rawValue, $1.segments, $1.package)
    }
    self.store = store
    self.programs = programs
    self.bench = bench
    self.context = context
    self.options = options
  }

  /// Opens a store, where there is a path, and selects from all of it.
  private static func opened(
    _ path: String?, mode: MeasurementStore.Mode, _ selection: inout StoredSelection
  ) throws(GPUMeasurementError) -> MeasurementStore? {
    guard let path else { return nil }
    do throws(MeasurementStoreError) {
      let store = try MeasurementStore(path: path, mode: mode)
      try store.forEachTime(in: selection.state) { selection.add($0, $1, $2, $3) }
      return store
    } catch { throw .store(error) }
  }

  var activity: MeasurementActivity {
    var activity = bench?.activity ?? MeasurementActivity()
    activity.measured = measured
    activity.interpolation = probes.error
    activity.answers = answers
    activity.estimates = estimateErrors
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

  /// The words for a batch that was not measured, behind "a batch of".
  private func missing(_ batch: AttentionBatch) -> String {
    AttentionBench.words(for: batch).dropFirst("a batch of ".count)
      + " in the measurements; 'reprise measure' on a GPU adds it"
      + (estimates
        ? "; too few like it are there to estimate it"
        : ", and without --exact it is estimated")
  }

  /// The time of a batch, measured now if need be.
  mutating func time(
    of variant: KernelVariant, _ batch: AttentionBatch, in context: AttentionContext
  ) throws(TimingError) -> Nanoseconds {
    let key = BatchKey(batch, in: context, elementType: Self.element)
    if let time = try known(variant, key.text, batch) { return time }
    guard let bench, let program = programs[variant] else {
      throw .batchWithoutTiming(variant: variant.name, batch: missing(batch))
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
      batch: batchKey, state: MeasuredState(cache: options.cache))
    do throws(GPUMeasurementError) {
      let result = try bench.measure(
        program, on: batch, in: context, hiddenSize: options.hiddenSize, cache: options.cache)
      measured += 1
      let set = SampleSet(
        samples: result.samples, smMegahertz: result.clocks?.smMegahertz,
        memoryMegahertz: result.clocks?.memoryMegahertz,
        throttleReasons: result.clocks?.throttling.rawValue, date: UTCDate.now())
      try append(set, to: key, status: result.isComplete ? .complete : .partial)
      return Measurement.median(of: result.samples) ?? .zero
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
