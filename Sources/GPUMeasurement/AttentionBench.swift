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
}

/// Executes attention kernels on batches and times them: one GPU, one batch at a time.
///
/// Any thread may use it, one at a time.
public final class AttentionBench {
  /// The GPU and its driver, as measurements name them.
  public let machine: MeasuredMachine
  /// The kernels that there are.
  public let manifest: KernelManifest
  /// What the user should know: pools that shrank, replays left out.
  public private(set) var notes: [String] = []
  /// GPU time of all timed replays.
  public private(set) var busy = Nanoseconds.zero

  private let context: CUDAContext
  private let stream: CUDAStream
  private let clocks: GPUClocks?
  private let pool: KeyValuePool
  private let events: [TimedEvent]
  private let l2Bytes: Int
  private let cubin: (KernelImage) throws(KernelImageError) -> [UInt8]
  private var kernels: [String: LoadedKernel] = [:]
  private var query: DeviceMemory?
  private var output: DeviceMemory?
  private var scratch: DeviceMemory?
  private var description: DeviceMemory?
  private var bestMegahertz = 0
  private var warmUp: Duration

  /// Opens the first GPU of a driver with the kernels for its architecture.
  ///
  /// - `manifest`: gives the kernels for an architecture such as `sm_90`
  /// - `warmUp`: how long the first batch runs before anything is timed, for clocks to rise
  public init(
    driver: CUDADriver,
    manifest: (String) throws(KernelImageError) -> KernelManifest,
    cubin: @escaping (KernelImage) throws(KernelImageError) -> [UInt8] = KernelManifest.cubin(of:),
    nvml: NVMLFunctions? = .load(), warmUp: Duration = .milliseconds(150)
  ) throws(GPUMeasurementError) {
    let devices: Int
    do { devices = try driver.deviceCount() } catch { throw .cuda(error) }
    guard devices > 0 else { throw .noDevice }
    let opened: CUDADevice
    let architecture: String
    do throws(CUDAError) {
      opened = try CUDADevice(0, of: driver)
      architecture = try opened.architecture()
    } catch { throw .cuda(error) }
    do { self.manifest = try manifest(architecture) } catch { throw .image(error) }
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
      for _ in 0...GPUMeasurementLimits.replaysMax { events.append(try TimedEvent(in: context)) }
      self.events = events
      self.context = context
      self.clocks = clocks
    } catch { throw .cuda(error) }
    self.cubin = cubin
    self.warmUp = warmUp
  }

  /// Times one variant on one batch.
  ///
  /// `cold` launches go round copies of the batch's KV that together exceed the L2 cache four times: in
  /// a real step every layer has KV of its own and the weights pass in between, so a layer never
  /// finds its KV in L2. Going round costs nothing beside the launches themselves, which an explicit
  /// flush before each would. `warm` launches all read one copy. All calls are nodes of one CUDA graph,
  /// as vLLM's decode steps are; the time of a replay over its calls is one sample.
  public func measure(
    _ program: KernelProgram, on batch: AttentionBatch, in context: AttentionContext,
    cache: MeasuredState.Cache = .cold
  ) throws(GPUMeasurementError) -> BenchResult {
    let plan = LaunchPlan(program, batch, in: context)
    let words = Self.words(for: batch)
    let loaded = try load(program)
    let label = "kernel '\(program.variant)' on \(words)"
    do throws(CUDAError) {
      return try self.context.driver.labelled(label) { () throws(CUDAError) in
        try self.context.makeCurrent()
        let pools = try prepare(plan, batch, cache: cache, words: words)
        let calls = max(pools, GPUMeasurementLimits.callsMin / pools * pools)
        let graph = try stream.capture { () throws(CUDAError) in
          for call in 0..<calls {
            for kernel in loaded { try launch(kernel, plan, pool: call % pools) }
          }
        }
        let executable = try graph.instantiate()
        return try time(executable, calls: calls)
      }
    } catch {
      if case .outOfMemory = error.kind {
        let needed = plan.blocks * plan.blockBytes + 2 * plan.queryBytes + plan.scratchBytes
        throw .outOfMemory(
          variant: program.variant, batch: words, needed: ByteCount(Int64(needed)))
      }
      throw .cuda(error)
    }
  }

  /// A batch as messages name it.
  static func words(for batch: AttentionBatch) -> String {
    let summary = batch.summary
    return
      "a batch of \(summary.rows) rows (padded to \(summary.paddedRows), \(summary.tokens) new "
      + "tokens, longest row \(summary.maxKVLength), \(summary.totalKVLength) tokens of KV)"
  }

  private func load(_ program: KernelProgram) throws(GPUMeasurementError) -> [LoadedKernel] {
    var loaded: [LoadedKernel] = []
    for launch in program.launches {
      if let known = kernels[launch.image.key] {
        loaded.append(known)
        continue
      }
      let bytes: [UInt8]
      do { bytes = try cubin(launch.image) } catch { throw .image(error) }
      do throws(CUDAError) {
        try context.makeCurrent()
        let kernel = try context.driver.labelled("kernel '\(program.variant)'") {
          () throws(CUDAError) in try LoadedKernel(launch, cubin: bytes, in: context)
        }
        kernels[launch.image.key] = kernel
        loaded.append(kernel)
      } catch { throw .cuda(error) }
    }
    return loaded
  }

  /// Makes room for a batch, writes its lengths and block tables, and says how many copies there are.
  private func prepare(
    _ plan: LaunchPlan, _ batch: AttentionBatch, cache: MeasuredState.Cache, words: String
  ) throws(CUDAError) -> Int {
    try grow(&query, to: plan.queryBytes, isRandom: true)
    try grow(&output, to: plan.queryBytes)
    if plan.scratchBytes > 0 { try grow(&scratch, to: plan.scratchBytes) }
    let bytes = plan.blocks * plan.blockBytes
    let between = GPUMeasurementLimits.cachesBetweenUses * l2Bytes
    let copies = min(GPUMeasurementLimits.poolsMax, (between + bytes - 1) / bytes)
    let wanted = cache == .cold ? copies : 1
    try pool.reserve(
      wanted: wanted * plan.blocks, least: plan.blocks, blockBytes: plan.blockBytes, in: context,
      on: stream)
    let pools = min(wanted, pool.blocks / plan.blocks)
    if pools < wanted {
      note(
        "the KV pool shrank to \(pool.blocks * plan.blockBytes) bytes for lack of GPU memory, so "
          + "some KV may have been in L2 (first on \(words))")
    }
    let description = plan.description(of: batch, pools: pools, order: pool.order)
    try grow(&self.description, to: 4 * description.count)
    try self.description?.buffer.write(unsafe description.span.bytes)
    return pools
  }

  private func note(_ words: String) {
    if notes.count < 16, !notes.contains(where: { $0.prefix(20) == words.prefix(20) }) {
      notes.append(words)
    }
  }

  private func grow(
    _ memory: inout DeviceMemory?, to bytes: Int, isRandom: Bool = false
  ) throws(CUDAError) {
    if let memory, memory.bytes >= bytes { return }
    memory = nil
    let taken = try DeviceMemory(bytes: max(bytes, 1 << 16), in: context)
    if isRandom { try pool.fill(taken, on: stream) }
    memory = taken
  }

  /// Enqueues one kernel of a call.
  private func launch(
    _ kernel: LoadedKernel, _ plan: LaunchPlan, pool index: Int
  ) throws(CUDAError) {
    var arguments = KernelArguments(for: kernel.function.signature)
    for argument in kernel.launch.image.arguments {
      try append(argument, plan, pool: index, to: &arguments)
    }
    // Scratch memory of the compiler's own, which these kernels do not use.
    try arguments.appendNull()
    try arguments.appendNull()
    var extents: [UInt32] = []
    for name in kernel.launch.grid { extents.append(try plan.extent(name)) }
    try kernel.function.launch(
      LaunchShape(
        grid: .init(extents[0], extents[1], extents[2]),
        threads: UInt32(clamping: kernel.launch.image.threads),
        dynamicSharedMemory: ByteCount(Int64(kernel.launch.image.sharedBytes))),
      &arguments, on: stream)
  }

  private func append(
    _ argument: KernelArgument, _ plan: LaunchPlan, pool index: Int,
    to arguments: inout KernelArguments
  ) throws(CUDAError) {
    func address(
      _ memory: DeviceMemory?, _ offset: Int = 0, to arguments: inout KernelArguments
    ) throws(CUDAError) {
      guard let memory else { return try arguments.appendNull() }
      try arguments.append(memory.buffer, offset: offset)
    }
    let isSplit = plan.program.segments > 1
    switch argument.name {
    case "output": try address(output, to: &arguments)
    case "query": try address(query, to: &arguments)
    case "segment_output": try address(isSplit ? scratch : nil, to: &arguments)
    case "segment_max":
      try address(
        isSplit ? scratch : nil, 4 * plan.cells * plan.program.paddedHeadSize, to: &arguments)
    case "segment_sum":
      try address(
        isSplit ? scratch : nil, 4 * plan.cells * (plan.program.paddedHeadSize + 1),
        to: &arguments)
    case "key_cache": try address(pool.memory, to: &arguments)
    case "value_cache": try address(pool.memory, 2 * plan.blockElements, to: &arguments)
    case "block_table": try address(description, 4 * plan.tablePlace(index), to: &arguments)
    case "kv_lens": try address(description, to: &arguments)
    case "query_starts": try address(description, 4 * plan.queryStartsPlace, to: &arguments)
    case "scale": try arguments.append(1 / Float(plan.headSize).squareRoot())
    default:
      let value = try plan.scalar(argument.name)
      guard value % argument.divisibleBy == 0 else {
        throw CUDAError(
          .signature("'\(argument.name)' is \(value), no multiple of \(argument.divisibleBy)"))
      }
      if argument.type == "i32" {
        try arguments.append(Int32(clamping: value))
      } else {
        try arguments.append(Int64(value))
      }
    }
  }

  /// Replays a graph until the median is known well enough.
  private func time(
    _ graph: borrowing CUDAExecutableGraph, calls: Int
  ) throws(CUDAError) -> BenchResult {
    try rise(graph)
    var result = BenchResult(samples: [], clocks: nil, discarded: 0, isComplete: false)
    var discards = 0
    while !StoppingRule.isSatisfied(by: result.samples) {
      let isFirst = result.samples.isEmpty
      let count = min(
        isFirst ? GPUMeasurementLimits.replaysFirst : GPUMeasurementLimits.replaysFurther,
        GPUMeasurementLimits.replaysMax - result.samples.count)
      // One replay ahead of the timed ones, so that the GPU never waits for the host between events.
      try graph.launch(on: stream)
      try events[0].event.record(on: stream)
      for index in 1...count {
        try graph.launch(on: stream)
        try events[index].event.record(on: stream)
      }
      // While it runs: an idle GPU's clock says nothing.
      let reading = clocks?.reading()
      try events[count].event.synchronize()
      var samples: [Nanoseconds] = []
      for index in 1...count {
        let elapsed = try events[index].event.elapsed(since: events[index - 1].event)
        busy = busy + elapsed
        samples.append(Nanoseconds(elapsed.rawValue / Int64(calls)))
      }
      if let reading {
        result.clocks = reading
        bestMegahertz = max(bestMegahertz, reading.smMegahertz)
        let least = GPUMeasurementLimits.clockShareMin * Double(bestMegahertz)
        if Double(reading.smMegahertz) < least {
          result.discarded += count
          discards += 1
          note(
            "replays at an SM clock of \(reading.smMegahertz) MHz were discarded "
              + "(best seen \(bestMegahertz) MHz, throttle reasons \(reading.throttling.rawValue))")
          if discards < GPUMeasurementLimits.discardsMax { continue }
        }
      }
      result.samples += samples
    }
    result.isComplete = discards < GPUMeasurementLimits.discardsMax
    return result
  }

  /// Keeps the GPU busy before the first measurement, since an idle one clocks down.
  private func rise(_ graph: borrowing CUDAExecutableGraph) throws(CUDAError) {
    guard warmUp > .zero else { return }
    let start = ContinuousClock.now
    while ContinuousClock.now - start < warmUp {
      for _ in 0..<8 { try graph.launch(on: stream) }
      try stream.synchronize()
    }
    warmUp = .zero
  }
}

/// An event that an array can hold.
private final class TimedEvent {
  let event: CUDAEvent

  init(in context: borrowing CUDAContext) throws(CUDAError) {
    event = try CUDAEvent(in: context)
  }
}
