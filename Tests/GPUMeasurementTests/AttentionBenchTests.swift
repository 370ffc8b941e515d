import CUDADriver
import CUDADriverFake
import KernelImages
import KernelManifestSample
import KernelSelection
import MeasurementStore
import Synchronization
import Testing
import TraceModel

@testable import GPUMeasurement

@Suite("Measuring a batch on a GPU")
struct AttentionBenchTests {
  private let program2D: KernelProgram
  private let program3D: KernelProgram

  init() throws {
    let manifest = try SmallManifest.manifest()
    program2D = try manifest.program("triton-2d", shape: FakeBench.shape)
    program3D = try manifest.program("triton-3d-16", shape: FakeBench.shape)
  }

  @Test("a round over the copies of the KV is cut into graphs, and each call has both kernels")
  func order() throws {
    let fake = FakeBench()
    let bench = try fake.bench()
    // 20 rows of 1600 tokens: 131 MB of KV, so two copies exceed four L2 caches of 60 MiB.
    let batch = FakeBench.decode(Array(repeating: 1600, count: 20), paddedRows: 20)
    fake.driver.kernelMicroseconds = 400
    _ = try bench.measure(program2D, on: batch, in: FakeBench.context)
    let before = fake.driver.lines.count
    let result = try bench.measure(program3D, on: batch, in: FakeBench.context)
    // Guessed at 36 µs a call, 10 calls go round both copies five times within one graph. They take
    // 800 µs each, so no second try is needed.
    #expect(
      FakeBench.shortened(fake.driver.lines[before...]) == [
        "cuCtxSetCurrent", "cuModuleLoadData", "cuModuleGetFunction", "cuFuncSetAttribute",
        "cuCtxSetCurrent", "cuModuleLoadData", "cuModuleGetFunction", "cuFuncSetAttribute",
        "cuCtxSetCurrent", "cuMemAlloc_v2", "cuMemcpyHtoD_v2", "cuCtxSynchronize",
        "cuStreamBeginCapture_v2",
        "cuLaunchKernel × 20", "cuStreamEndCapture", "cuGraphInstantiateWithFlags",
        "cuGraphUpload", "cuGraphDestroy", "cuEventRecord", "cuGraphLaunch", "cuEventRecord × 2",
        "cuGraphLaunch",
        "cuEventRecord × 2", "cuGraphLaunch", "cuEventRecord × 2", "cuGraphLaunch",
        "cuEventRecord × 2", "cuGraphLaunch", "cuEventRecord × 2", "cuGraphLaunch",
        "cuEventRecord × 2", "cuGraphLaunch", "cuEventRecord", "cuEventSynchronize",
        "cuEventElapsedTime × 8", "cuGraphExecDestroy",
      ])
    #expect(result.samples == Array(repeating: Nanoseconds(800_000), count: 6))
    #expect(result.isComplete)
    // The next batch of the kind is known to take long: one call a graph, a graph for each copy.
    let again = fake.driver.lines.count
    _ = try bench.measure(program3D, on: batch, in: FakeBench.context)
    let launches = fake.driver.lines[again...].filter { $0.hasPrefix("cuLaunchKernel") }
    #expect(launches.count == 4)
  }

  @Test("a product of the model's width comes before each graph of a decode batch, untimed")
  func products() throws {
    let fake = FakeBench()
    let bench = try fake.bench(cuBLAS: fake.driver.cuBLAS())
    fake.driver.kernelMicroseconds = 400
    let batch = FakeBench.decode(Array(repeating: 1600, count: 20), paddedRows: 24)
    _ = try bench.measure(program2D, on: batch, in: FakeBench.context, hiddenSize: 5120)
    let before = fake.driver.lines.count
    let result = try bench.measure(
      program2D, on: batch, in: FakeBench.context, hiddenSize: 5120)
    // One call a graph, 7 of them, and 32 + 2 · 8 heads of 128 elements.
    let order = FakeBench.shortened(
      fake.driver.lines[before...].filter {
        $0.hasPrefix("cublas") || $0.hasPrefix("cuEventRecord") || $0.hasPrefix("cuGraphLaunch")
      })
    let each = ["cublasGemmEx", "cuEventRecord", "cuGraphLaunch", "cuEventRecord"]
    #expect(order == Array(repeating: each, count: 7).flatMap { $0 })
    #expect(fake.driver.lines[before...].contains { $0.contains("(24 × 5120 × 6144)") })
    #expect(result.samples == Array(repeating: Nanoseconds(400_000), count: 6))
    #expect(bench.activity.notes.isEmpty)
  }

  @Test("graphs are longer, then and later, for a host that launches as slowly as the GPU replays")
  func slowHost() throws {
    let fake = FakeBench()
    let clock = Mutex(Nanoseconds.zero)
    let bench = try fake.bench(hostTime: {
      // Each look at the clock is 5 ms after the one before.
      clock.withLock { time in
        time = time + Nanoseconds(5_000_000)
        return time
      }
    })
    // Calls of 10 µs: 7 replays of 0.3 ms are over before they are launched, of 0.6 too, not of 1.2.
    fake.driver.kernelMicroseconds = 10
    let batch = FakeBench.decode([100])
    for _ in 0..<2 {
      let result = try bench.measure(program2D, on: batch, in: FakeBench.context)
      #expect(!result.mayHaveWaited)
    }
    #expect(bench.activity.notes.isEmpty)
    let before = fake.driver.lines.count
    _ = try bench.measure(program2D, on: batch, in: FakeBench.context)
    let launches = fake.driver.lines[before...].prefix { !$0.hasPrefix("cuStreamEndCapture") }
      .count { $0.hasPrefix("cuLaunchKernel") }
    #expect(launches == 120)
    // Never fast enough.
    fake.driver.kernelMicroseconds = 1e-3
    #expect(try !bench.measure(program3D, on: batch, in: FakeBench.context).isComplete)
    #expect(bench.activity.notes.count == 1)
  }

  @Test("no product comes before prompts, and none without cuBLAS, which is said")
  func withoutProducts() throws {
    let fake = FakeBench()
    let bench = try fake.bench(cuBLAS: fake.driver.cuBLAS())
    let prompt = AttentionBatch(rows: [(64, 640), (1, 100)])
    _ = try bench.measure(program2D, on: prompt, in: FakeBench.context, hiddenSize: 5120)
    #expect(!fake.driver.lines.contains { $0.hasPrefix("cublasGemmEx") })
    let refusing = FakeBench()
    refusing.driver.fail("cublasCreate_v2", with: .notSupported)
    for none in [
      try FakeBench().bench(), try refusing.bench(cuBLAS: refusing.driver.cuBLAS()),
    ] {
      _ = try none.measure(
        program2D, on: FakeBench.decode([100]), in: FakeBench.context, hiddenSize: 5120)
      #expect(none.activity.notes.first?.contains("no cuBLAS") == true)
    }
  }

  @Test("a product that cuBLAS refuses names the call, variant and batch")
  func refusedProduct() throws {
    let fake = FakeBench()
    let bench = try fake.bench(cuBLAS: fake.driver.cuBLAS())
    fake.driver.fail("cublasGemmEx", with: .invalidValue)
    do {
      _ = try bench.measure(
        program2D, on: FakeBench.decode([640, 64]), in: FakeBench.context, hiddenSize: 5120)
      Issue.record("measured in spite of a refused product")
    } catch {
      #expect(error.message.contains("triton-2d"))
      #expect(error.message.contains("cublasGemmEx"))
    }
  }

  @Test("calls that are faster than guessed are measured again in longer graphs")
  func secondTry() throws {
    let fake = FakeBench()
    let bench = try fake.bench()
    fake.driver.kernelMicroseconds = 1
    let batch = FakeBench.decode(Array(repeating: 1600, count: 20), paddedRows: 20)
    let result = try bench.measure(program2D, on: batch, in: FakeBench.context)
    #expect(result.samples == Array(repeating: Nanoseconds(1000), count: 6))
    #expect(bench.activity.replays == 14)
    #expect(bench.activity.busy > Nanoseconds(7 * 150_000))
  }

  @Test("grids are those of the kernels' own launch contract, padding included")
  func grids() throws {
    let fake = FakeBench()
    let bench = try fake.bench()
    let batch = FakeBench.decode([5000, 70, 1], paddedRows: 8)
    _ = try bench.measure(program3D, on: batch, in: FakeBench.context, cache: .warm)
    let launches = fake.driver.lines.filter { $0.hasPrefix("cuLaunchKernel") }
    // 8 tokens in blocks of 4 and 8 rows: 10 query blocks, 8 KV heads, 16 segments.
    #expect(launches.contains { $0.contains("grid 10x8x16, 128 threads, 60000 bytes shared") })
    #expect(launches.contains { $0.contains("grid 8x32x1") })
  }

  @Test("copies of small KV exceed four L2 caches together and share no block")
  func pools() throws {
    let batch = FakeBench.decode([100, 33])
    let plan = LaunchPlan(program2D, batch, in: FakeBench.context)
    #expect(plan.blocks == 10)
    let order = (0..<40).map { Int32($0) }.reversed()
    let words = plan.description(of: batch, pools: 4, order: Array(order))
    #expect(Array(words[..<2]) == [100, 33])
    #expect(Array(words[plan.queryStartsPlace..<plan.queryStartsPlace + 3]) == [0, 1, 2])
    var seen: Set<Int32> = []
    for pool in 0..<4 {
      for (row, blocks) in [7, 3].enumerated() {
        let place = plan.tablePlace(pool) + row * plan.tableStride
        for word in words[place..<place + blocks] { #expect(seen.insert(word).inserted) }
      }
    }
    #expect(seen.count == 40)
  }

  @Test("a pool that memory does not allow shrinks, and says so")
  func shrinks() throws {
    let fake = FakeBench(memoryBytes: 128 << 20)
    let bench = try fake.bench()
    let batch = FakeBench.decode(Array(repeating: 1600, count: 4))
    let result = try bench.measure(program2D, on: batch, in: FakeBench.context)
    #expect(result.samples.count == 6)
    #expect(bench.activity.notes.count == 1)
    #expect(bench.activity.notes.first?.contains("shrank") == true)
  }

  @Test("where one copy does not fit, the error names variant, batch and the bytes needed")
  func outOfMemory() throws {
    let fake = FakeBench(memoryBytes: 128 << 20)
    let bench = try fake.bench()
    let batch = FakeBench.decode(Array(repeating: 1600, count: 40))
    do {
      _ = try bench.measure(program2D, on: batch, in: FakeBench.context)
      Issue.record("measured what does not fit")
    } catch {
      #expect(error.message.contains("triton-2d"))
      #expect(error.message.contains("40 rows"))
      // 40 rows of 100 blocks of 64 KiB, queries and outputs.
      let needed = 4000 * 65536 + 2 * 40 * 32 * 128 * 2
      #expect(error.message.contains("\(needed) bytes"))
    }
    // What fits is measured afterwards.
    let small = FakeBench.decode([100])
    _ = try bench.measure(program2D, on: small, in: FakeBench.context)
  }

  @Test("an illegal access names variant and batch")
  func illegalAccess() throws {
    let fake = FakeBench()
    let bench = try fake.bench()
    fake.driver.fail("cuEventSynchronize", with: .illegalAddress)
    do {
      _ = try bench.measure(program2D, on: FakeBench.decode([640, 64]), in: FakeBench.context)
      Issue.record("measured in spite of an illegal access")
    } catch {
      #expect(error.message.contains("triton-2d"))
      #expect(error.message.contains("2 rows"))
      #expect(error.message.contains("CUDA_ERROR_ILLEGAL_ADDRESS"))
    }
  }

  @Test("a driver without a GPU is an error that says what to do")
  func noDevice() throws {
    let fake = FakeBench()
    fake.driver.devices = 0
    #expect(throws: GPUMeasurementError.noDevice) { try fake.bench() }
  }

  @Test("sampling stops when the median is known to one percent, or after 20")
  func stopping() {
    let even = Array(repeating: Nanoseconds(1000), count: 5)
    #expect(!StoppingRule.isSatisfied(by: even))
    #expect(StoppingRule.isSatisfied(by: even + [Nanoseconds(1001)]))
    let wide = (0..<19).map { Nanoseconds(1000 + 50 * Int64($0 % 3)) }
    #expect(!StoppingRule.isSatisfied(by: wide))
    #expect(StoppingRule.isSatisfied(by: wide + [Nanoseconds(1000)]))
    #expect(Measurement.median(of: [3, 1, 2].map { Nanoseconds($0) }) == Nanoseconds(2))
    #expect(Measurement.median(of: []) == nil)
  }
}
