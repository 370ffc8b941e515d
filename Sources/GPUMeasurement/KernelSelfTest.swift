public import CUDADriver
public import KernelImages
internal import KernelSelection
internal import MeasurementStore
internal import TraceModel

/// Holds every compiled variant to a float64 reference on random inputs.
///
/// Outputs and scratch hold NaN before each run, so what a kernel does not write is a miss. Norms are
/// compared, as heads of long rows are small numbers; each head of each token alone, too, with a wider
/// bound. Belongs to one thread.
public final class KernelSelfTest {
  /// Runs as they end; for a progress bar.
  public var progress: (SelfTestResult) -> Void = { _ in }

  private let context: CUDAContext
  private let stream: CUDAStream
  private let manifest: KernelManifest
  private let loader: KernelLoader
  private let machine: MeasuredMachine

  /// The largest errors that count as right, by element type: of all of a batch, and of one head.
  private static func tolerance(_ element: String) -> (all: Double, head: Double) {
    element == "bf16" ? (1e-2, 5e-2) : (2e-3, 1e-2)
  }

  /// Opens the first GPU of a driver with the kernels for its architecture.
  public init(
    driver: CUDADriver,
    manifest: (String) throws(KernelImageError) -> KernelManifest,
    cubin: @escaping (KernelImage) throws(KernelImageError) -> [UInt8] = VerifiedCubin.bytes
  ) throws(GPUMeasurementError) {
    let (device, manifest) = try AttentionBench.open(driver, manifest: manifest)
    do throws(CUDAError) {
      let cuda = "CUDA \(try driver.version())"
      let clocks = GPUClocks(busIdentifier: try device.busIdentifier(), functions: .load())
      machine = MeasuredMachine(
        gpu: try device.name(), smCount: try device.value(of: .smCount),
        driver: clocks?.driverVersion() ?? cuda)
      let context = try CUDAContext(on: device)
      stream = try CUDAStream(in: context)
      self.context = context
    } catch { throw .cuda(error) }
    self.manifest = manifest
    loader = KernelLoader(cubin)
  }

  /// Runs everything that was built, or the variants of given names.
  ///
  /// Throws what ends the test: a kernel that cost the GPU's context, or memory that is lacking.
  /// - `isQuick`: small batches alone, for checkers that slow the GPU down
  public func run(
    seed: UInt64, variants: [String] = [], isQuick: Bool = false
  ) throws(GPUMeasurementError) -> SelfTestReport {
    var report = SelfTestReport(machine: machine, seed: seed)
    var generator = SeededGenerator(seed: seed)
    var shapes: [KernelShape] = []
    for program in manifest.programs where !shapes.contains(program.shape) {
      shapes.append(program.shape)
    }
    for shape in shapes {
      let programs = manifest.programs.filter {
        $0.shape == shape && (variants.isEmpty || variants.contains($0.variant))
      }
      guard !programs.isEmpty else { continue }
      for test in shape.isLatent ? SelfTestCase.latent : SelfTestCase.paged
      where test.isSmall || !isQuick {
        let batch = SelfTestBatch(test, shape: shape, using: &generator)
        for result in try run(test, batch, programs) { report.results.append(result) }
      }
    }
    return report
  }

  private func run(
    _ test: SelfTestCase, _ batch: SelfTestBatch, _ programs: [KernelProgram]
  ) throws(GPUMeasurementError) -> [SelfTestResult] {
    let scale = 1 / (batch.shape.isLatent ? 192 : Double(batch.context.headSize)).squareRoot()
    let expected = ReferenceAttention.output(of: batch, scale: scale)
    var first: [Double] = []
    var results: [SelfTestResult] = []
    for built in programs {
      let program = batch.shape.isLatent ? built.split(test.splits, as: built.variant) : built
      // Splitting is for decode rows.
      let longest = batch.batch.summary.maxQueryLength
      if !batch.shape.isLatent, program.segments > 1,
        longest > GPUMeasurementLimits.splitQueryLengthMax
      {
        continue
      }
      let output = try output(of: program, on: batch, test)
      if first.isEmpty { first = output }
      let result = Self.result(program, batch, test, output, expected: expected, first: first)
      progress(result)
      results.append(result)
    }
    return results
  }

  /// What a variant leaves in a poisoned output.
  private func output(
    of program: KernelProgram, on batch: SelfTestBatch, _ test: SelfTestCase
  ) throws(GPUMeasurementError) -> [Double] {
    let label = "kernel '\(program.variant)' on the test batch '\(test.name)'"
    let loaded = try loader.kernels(of: program, in: context)
    do throws(CUDAError) {
      return try context.driver.labelled(label) { () throws(CUDAError) in
        try context.makeCurrent()
        let plan = LaunchPlan(program, batch.batch, in: batch.context)
        let description = plan.description(of: batch.batch, pools: 1, order: batch.order)
        let memory = LaunchMemory(
          query: try memory(unsafe batch.query.span.bytes), output: try poisoned(plan.outputBytes),
          scratch: plan.scratchBytes > 0 ? try poisoned(plan.scratchBytes) : nil,
          description: try memory(unsafe description.span.bytes),
          cache: try memory(unsafe batch.cache.span.bytes))
        // A copy from pageable memory may still be under way when its call returns, and this stream
        // does not wait for the one that it is on.
        try context.synchronize()
        for kernel in loaded { try kernel.enqueue(plan, memory, pool: 0, on: stream) }
        try stream.synchronize()
        let bytes = try memory.output?.buffer.bytes(count: plan.outputBytes) ?? []
        let isBrain = batch.shape.element == "bf16"
        return stride(from: 0, to: bytes.count - 1, by: 2).map { place in
          let word = UInt16(bytes[place]) | UInt16(bytes[place + 1]) << 8
          return Double(SelfTestBatch.value(word, isBrain: isBrain))
        }
      }
    } catch { throw .cuda(error) }
  }

  private func memory(_ bytes: RawSpan) throws(CUDAError) -> DeviceMemory {
    let memory = try DeviceMemory(bytes: max(16, bytes.byteCount), in: context)
    try memory.buffer.write(bytes)
    return memory
  }

  /// Memory in which every number is NaN, of whichever type it is read.
  private func poisoned(_ bytes: Int) throws(CUDAError) -> DeviceMemory {
    let memory = try DeviceMemory(bytes: bytes, in: context)
    try memory.buffer.enqueueFill(0xFF, on: stream)
    return memory
  }

  private static func result(
    _ program: KernelProgram, _ batch: SelfTestBatch, _ test: SelfTestCase, _ output: [Double],
    expected: [Double], first: [Double]
  ) -> SelfTestResult {
    let tokens = batch.batch.summary.tokens
    let size = batch.shape.isLatent ? AttentionContext.latentSize : batch.context.headSize
    let heads = tokens * batch.context.queryHeads
    var comparison = OutputComparison()
    for head in 0..<heads {
      comparison.add(head * size..<(head + 1) * size, output, expected: expected, first: first)
    }
    let bound = tolerance(batch.shape.element)
    var miss: String?
    if comparison.error.isNaN {
      miss = "NaN, or not written"
    } else if comparison.error > bound.all || comparison.worstHeadError > bound.head {
      miss =
        "error above \(SelfTestReport.short(bound.all)), or a head's above "
        + SelfTestReport.short(bound.head)
    } else if comparison.hasResultWithoutKV {
      miss = "a row without KV has a result that is not zero"
    } else if program.segments > 1, !batch.shape.isLatent,
      output.dropFirst(heads * size).contains(where: { $0 != 0 })
    {
      miss = "padding tokens are not zero"
    }
    let shape = batch.shape
    return SelfTestResult(
      variant: program.variant,
      shape: shape.isLatent
        ? "mla-b\(shape.blockSize)-\(shape.element)"
        : "h\(shape.headSize)-r\(shape.ratio)-b\(shape.blockSize)-\(shape.element)",
      batch: test.name, error: comparison.error, worstHeadError: comparison.worstHeadError,
      difference: comparison.difference, miss: miss)
  }
}

/// Norms of what a variant gave against what it should, taken head by head.
struct OutputComparison {
  private var wrong = 0.0
  private var apart = 0.0
  private var norm = 0.0
  private(set) var worstHeadError = 0.0
  private(set) var hasResultWithoutKV = false

  mutating func add(
    _ range: Range<Int>, _ output: [Double], expected: [Double], first: [Double]
  ) {
    var headWrong = 0.0
    var headNorm = 0.0
    for index in range {
      let error = output[index] - expected[index]
      let difference = output[index] - first[index]
      headWrong += error * error
      headNorm += expected[index] * expected[index]
      apart += difference * difference
    }
    wrong += headWrong
    norm += headNorm
    if headNorm > 0 {
      worstHeadError = max(worstHeadError, (headWrong / headNorm).squareRoot())
    } else if headWrong > 0 {
      hasResultWithoutKV = true
    }
  }

  var error: Double { norm > 0 ? (wrong / norm).squareRoot() : wrong }
  var difference: Double { norm > 0 ? (apart / norm).squareRoot() : apart }
}
