public import CUDADriver
public import KernelImages
public import KernelSelection
public import MeasurementStore
public import TraceModel

/// What one measurement gave.
public struct BenchResult: Hashable, Sendable {
  /// Mean time of a call, over the calls of each replay.
  public var samples: [Nanoseconds]
  /// The clocks seen last; `nil` without NVML.
  public var clocks: ClockReading?
  /// Replays that were left out because the clock had sunk.
  public var discarded: Int
  /// Whether the stopping rule is satisfied by replays at full clock.
  public var isComplete: Bool
  /// Whether the host launched hardly faster than the GPU replayed, and times may have its pace.
  var mayHaveWaited = false
}

/// Executes attention kernels on batches and times them: one GPU, one batch at a time.
///
/// Any thread may use it, one at a time.
public final class AttentionBench {
  /// The GPU and its driver, as measurements name them.
  public let machine: MeasuredMachine
  /// The kernels that there are.
  public let manifest: KernelManifest
  /// What was done, and what it cost.
  public internal(set) var activity = MeasurementActivity()

  let context: CUDAContext
  let stream: CUDAStream
  let clocks: GPUClocks?
  let pool: KeyValuePool
  let events: [TimedEvent]
  let l2Bytes: Int
  let products: MatrixProducts?
  private let loader: KernelLoader
  var memory = LaunchMemory()
  /// Sizes of products that were computed before.
  var knownProducts: Set<MatrixProducts.Size> = []
  /// The place in the pool's order where the next batch's KV begins, so that it was not read last.
  var cursor = 0
  /// Measured over least time of calls of a kind, from which the length of graphs is chosen.
  var paces: [CallKind: Double] = [:]
  /// How long graphs are, in microseconds.
  private var replayMicroseconds = GPUMeasurementLimits.replayMicroseconds
  let hostTime: @Sendable () -> Nanoseconds
  var bestMegahertz = 0
  var warmUp: Duration

  /// Calls whose times follow their work alike.
  struct CallKind: Hashable {
    var variant: String
    var rows: Int
    var isSingleTokenOnly: Bool
  }

  /// Opens the first GPU of a driver with the kernels for its architecture.
  ///
  /// - `manifest`: gives the kernels for an architecture such as `sm_90`
  /// - `cuBLAS`: what computes the products before decode batches, where it can be had
  /// - `warmUp`: how long the first batch runs before anything is timed, for clocks to rise
  /// - `hostTime`: time since some moment, by which it is told whether the GPU waits for the host
  public init(
    driver: CUDADriver,
    manifest: (String) throws(KernelImageError) -> KernelManifest,
    cubin: @escaping (KernelImage) throws(KernelImageError) -> [UInt8] = VerifiedCubin.bytes,
    nvml: NVMLFunctions? = .load(), cuBLAS: CUBLASFunctions? = .load(),
    warmUp: Duration = .milliseconds(150),
    hostTime: @escaping @Sendable () -> Nanoseconds = AttentionBench.continuousTime
  ) throws(GPUMeasurementError) {
    self.hostTime = hostTime
    let start = ContinuousClock.now
    let opened: CUDADevice
    (opened, self.manifest) = try Self.open(driver, manifest: manifest)
    do throws(CUDAError) {
      let clocks = GPUClocks(busIdentifier: try opened.busIdentifier(), functions: nvml)
      let cuda = "CUDA \(try driver.version())"
      machine = MeasuredMachine(
        gpu: try opened.name(), smCount: try opened.value(of: .smCount),
        driver: clocks?.driverVersion() ?? cuda)
      l2Bytes = max(1 << 20, try opened.value(of: .l2CacheSize))
      let context = try CUDAContext(on: opened)
      stream = try CUDAStream(in: context)
      pool = try KeyValuePool(in: context)
      var events: [TimedEvent] = []
      for _ in 0..<2 * (GPUMeasurementLimits.replaysMax + 1) {
        events.append(try TimedEvent(in: context))
      }
      self.events = events
      if let cuBLAS {
        // One of another CUDA than the driver's is as good as none.
        products = try? MatrixProducts(functions: cuBLAS, on: stream, in: context)
      } else {
        products = nil
      }
      self.context = context
      self.clocks = clocks
    } catch { throw .cuda(error) }
    loader = KernelLoader(cubin)
    self.warmUp = warmUp
    activity.startUp = Self.time(since: start)
  }

  /// The first GPU of a driver, and what `manifest` has for its architecture.
  static func open(
    _ driver: CUDADriver, manifest: (String) throws(KernelImageError) -> KernelManifest
  ) throws(GPUMeasurementError) -> (CUDADevice, KernelManifest) {
    let devices: Int
    do { devices = try driver.deviceCount() } catch { throw .cuda(error) }
    guard devices > 0 else { throw .noDevice }
    let opened: CUDADevice
    let architecture: String
    do throws(CUDAError) {
      opened = try CUDADevice(0, of: driver)
      architecture = try opened.architecture()
    } catch { throw .cuda(error) }
    do { return (opened, try manifest(architecture)) } catch { throw .image(error) }
  }

  /// Times one variant on one batch.
  ///
  /// `cold` calls go round copies of the batch's KV that together exceed the L2 cache four times: in
  /// a real step every layer has KV of its own and the weights pass in between, so a layer never
  /// finds its KV in L2. Going round costs nothing beside the calls themselves, which an explicit
  /// flush before each would. `warm` calls all read one copy. All calls are nodes of CUDA graphs, as
  /// vLLM's decode steps are; the time of a replay over its calls is one sample. A round is cut into
  /// graphs of a third of a millisecond, so that six samples seldom take more than one round, and into longer
  /// ones for a host that launches slowly.
  ///
  /// Before each graph of a decode batch, and outside of its time, comes a product of as many rows, since
  /// the matrix product before attention decides to which SMs the CTAs of a kernel without a split go.
  ///
  /// - `hiddenSize`: width of the product's input, the model's; `nil` leaves products out
  public func measure(
    _ program: KernelProgram, on batch: AttentionBatch, in context: AttentionContext,
    hiddenSize: Int? = nil, cache: MeasuredState.Cache = .cold
  ) throws(GPUMeasurementError) -> BenchResult {
    let start = ContinuousClock.now
    let busyBefore = activity.busy
    let startUpBefore = activity.startUp
    defer {
      let busy = activity.busy - busyBefore + (activity.startUp - startUpBefore)
      activity.host = activity.host + max(.zero, Self.time(since: start) - busy)
    }
    let plan = LaunchPlan(program, batch, in: context)
    let product = hiddenSize.flatMap { plan.product(fromWidth: $0, before: batch) }
    let words = Self.words(for: batch)
    if let elements = plan.beyondReach {
      throw .beyondReach(variant: program.variant, batch: words, elements: elements)
    }
    let loaded = try loader.kernels(of: program, in: self.context)
    let label = "kernel '\(program.variant)' on \(words)"
    do throws(CUDAError) {
      return try self.context.driver.labelled(label) { () throws(CUDAError) in
        try self.context.makeCurrent()
        return try measure(plan, loaded, batch, product, cache, words)
      }
    } catch {
      if Self.isOutOfMemory(error) {
        let needed =
          plan.blocks * plan.blockBytes + plan.queryBytes + plan.outputBytes + plan.scratchBytes
        throw .outOfMemory(
          variant: program.variant, batch: words, needed: ByteCount(Int64(needed)))
      }
      throw .cuda(error)
    }
  }

  private func measure(
    _ plan: LaunchPlan, _ kernels: [LoadedKernel], _ batch: AttentionBatch,
    _ product: MatrixProducts.Size?, _ cache: MeasuredState.Cache, _ words: String
  ) throws(CUDAError) -> BenchResult {
    let kind = CallKind(
      variant: plan.program.variant, rows: plan.rows,
      isSingleTokenOnly: batch.summary.isSingleTokenOnly)
    if let product { try prepare(product) }
    var attempt = 0
    var hasWaited = false
    while true {
      let calls = calls(ofMicroseconds: (paces[kind] ?? 1) * plan.leastMicroseconds)
      let pools = try prepare(plan, batch, cache: cache, calls: calls, words: words)
      let round = CallRound(
        pools: pools, calls: calls, plan: plan, kernels: kernels, product: product)
      var result = try time(round)
      cursor += min(pools, round.callsLaunched) * plan.blocks
      attempt += 1
      guard let median = Measurement.median(of: result.samples) else { return result }
      paces[kind] = max(1e-3, median.microseconds / plan.leastMicroseconds)
      // Once may be chance. A host that launches slowly needs longer graphs, here and from now on.
      if result.mayHaveWaited {
        let isLongest = replayMicroseconds >= GPUMeasurementLimits.replayMicrosecondsMax
        if hasWaited, !isLongest { replayMicroseconds *= 2 }
        if !hasWaited || !isLongest {
          hasWaited = true
          continue
        }
        result.isComplete = false
        note(
          "the GPU waited for its host, so times of short calls may be too long; they are partial")
      }
      // A kind seen for the first time may turn out faster than guessed: its replays were too short.
      let replay = median.microseconds * Double(round.callsPerGraph)
      if replay >= replayMicroseconds / 2 || attempt > 1 { return result }
    }
  }

  /// Calls that a graph needs for its replay to last long enough.
  private func calls(ofMicroseconds estimate: Double) -> Int {
    let calls = (replayMicroseconds / estimate).rounded(.up)
    return min(GPUMeasurementLimits.callsMax, max(1, Int(calls)))
  }

  /// A batch as messages name it.
  static func words(for batch: AttentionBatch) -> String {
    let summary = batch.summary
    return
      "a batch of \(summary.rows) rows (padded to \(summary.paddedRows), \(summary.tokens) new "
      + "tokens, longest row \(summary.maxKVLength), \(summary.totalKVLength) tokens of KV)"
  }

  private static let epoch = ContinuousClock.now

  /// Time since it was first asked for.
  @Sendable public static func continuousTime() -> Nanoseconds { time(since: epoch) }

  static func time(since start: ContinuousClock.Instant) -> Nanoseconds {
    let (seconds, attoseconds) = (ContinuousClock.now - start).components
    return Nanoseconds(seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
  }

  // Never inlined: Swift 6.3.1's optimiser ends with an ownership error over it in a catch clause.
  @inline(never)
  static func isOutOfMemory(_ error: CUDAError) -> Bool {
    if case .outOfMemory = error.kind { true } else { false }
  }

  func note(_ words: String) {
    let notes = activity.notes
    if notes.count < 16, !notes.contains(where: { $0.prefix(20) == words.prefix(20) }) {
      activity.notes.append(words)
    }
  }
}

/// An event that an array can hold.
final class TimedEvent {
  let event: CUDAEvent

  init(in context: borrowing CUDAContext) throws(CUDAError) {
    event = try CUDAEvent(in: context)
  }
}
