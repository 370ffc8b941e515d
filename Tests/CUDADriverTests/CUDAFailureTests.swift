import CUDADriver
import CUDADriverFake
import Testing
import TraceModel

@Suite("Every failure of the driver names call and work, and gives back what was taken")
struct CUDAFailureTests {
  /// Calls that a measurement makes and that may fail, each with an error that GPUs give there.
  static let failures: [(call: String, code: CUDAErrorCode)] = [
    ("cuDevicePrimaryCtxRetain", .outOfMemory), ("cuCtxSetCurrent", .invalidValue),
    ("cuModuleLoadData", .noBinaryForGPU), ("cuModuleGetFunction", .notFound),
    ("cuFuncSetAttribute", .invalidValue), ("cuStreamCreate", .outOfMemory),
    ("cuMemAlloc_v2", .outOfMemory), ("cuMemsetD8Async", .invalidValue),
    ("cuStreamBeginCapture_v2", .invalidValue), ("cuLaunchKernel", .launchOutOfResources),
    ("cuStreamEndCapture", .streamCaptureInvalidated),
    ("cuGraphInstantiateWithFlags", .outOfMemory), ("cuGraphUpload", .outOfMemory),
    ("cuEventCreate", .outOfMemory),
    ("cuEventRecord", .invalidValue), ("cuGraphLaunch", .illegalAddress),
    ("cuEventSynchronize", .illegalAddress), ("cuEventElapsedTime", .invalidValue),
  ]

  @Test("a measurement that fails at any call frees what it took", arguments: failures)
  func everyCall(call: String, code: CUDAErrorCode) throws {
    let fake = FakeCUDADriver()
    fake.fail(call, with: code)
    let error = try #require(throws: CUDAError.self) {
      try Scenario.measure(on: fake, launches: 2)
    }
    #expect(error.label == Scenario.label)
    #expect(error.code == code)
    #expect(error.message.contains("\(Scenario.label): \(call) failed: "), "\(error.message)")
    #expect(fake.leaks == [], "\(fake.transcript)")
  }

  @Test("a failure between two things of a kind frees the first")
  func secondOfAKind() throws {
    let fake = FakeCUDADriver()
    fake.fail("cuEventCreate", with: .outOfMemory, occurrence: 2)
    #expect(throws: CUDAError.self) { try Scenario.measure(on: fake, launches: 1) }
    #expect(fake.lines.contains { $0.hasPrefix("cuEventDestroy_v2") })
    #expect(fake.leaks == [])
  }

  @Test("a machine without a GPU is told at once")
  func noDevice() throws {
    let fake = FakeCUDADriver()
    fake.fail("cuInit", with: .noDevice)
    let error = try #require(throws: CUDAError.self) { try CUDADriver(functions: fake.functions()) }
    #expect(
      error.message
        == "cuInit failed: CUDA_ERROR_NO_DEVICE (100), as the test wished; "
        + "is a GPU visible (CUDA_VISIBLE_DEVICES)?")
  }

  @Test("a machine without a driver is told what to do")
  func noDriver() throws {
    let error = try #require(throws: CUDAError.self) { try CUDADriver(path: "/no/libcuda.so.1") }
    #expect(error.message.hasPrefix("no NVIDIA driver: cannot open /no/libcuda.so.1 ("))
    #expect(error.message.hasSuffix("; use a machine with a GPU"))
  }

  @Test("a library that is no driver is told by the function that it lacks")
  func noFunction() throws {
    let error = try #require(throws: CUDAError.self) { try CUDADriver(path: "libm.so.6") }
    #expect(error.kind == .functionMissing(name: "cuGetErrorName", path: "libm.so.6"))
  }

  @Test("an image for another GPU says how to build the right one")
  func wrongArchitecture() throws {
    let fake = FakeCUDADriver()
    fake.fail("cuModuleLoadData", with: .noBinaryForGPU)
    let error = try #require(throws: CUDAError.self) { try Scenario.measure(on: fake, launches: 1) }
    #expect(
      error.message.hasSuffix("build the kernels for this GPU (reprise kernels build --arch)"))
  }

  @Test("memory that does not suffice is told with what was wanted and what is free")
  func outOfMemory() throws {
    let fake = FakeCUDADriver()
    fake.memoryBytes = 1 << 20
    let driver = try CUDADriver(functions: fake.functions())
    let context = try CUDAContext(on: CUDADevice(0, of: driver))
    let taken = try CUDADeviceBuffer(ByteCount(1 << 19), in: context)
    let error = try #require(throws: CUDAError.self) {
      _ = try CUDADeviceBuffer(ByteCount(1 << 20), in: context)
    }
    #expect(
      error.kind
        == .outOfMemory(
          call: "cuMemAlloc_v2", wanted: ByteCount(1 << 20), free: ByteCount(1 << 19)))
    #expect(taken.size == ByteCount(1 << 19))
  }

  @Test("a lost context fails every release, and the first failures are kept")
  func lostContext() throws {
    let fake = FakeCUDADriver()
    let driver = try CUDADriver(functions: fake.functions())
    fake.fail("cuCtxSynchronize", with: .illegalAddress)
    do {
      let context = try CUDAContext(on: CUDADevice(0, of: driver))
      let buffer = try CUDADeviceBuffer(ByteCount(1), in: context)
      let error = try #require(throws: CUDAError.self) { try context.synchronize() }
      #expect(error.message.contains("given up this process's context"))
      #expect(buffer.size == ByteCount(1))
    }
    #expect(driver.releaseFailures.map(\.code) == Array(repeating: .illegalAddress, count: 3))
    #expect(fake.leaks == [])
  }

  @Test("a label holds within its scope alone")
  func labels() throws {
    let fake = FakeCUDADriver()
    let driver = try CUDADriver(functions: fake.functions())
    func label(_ call: () throws(CUDAError) -> String) -> String? {
      fake.fail("cuDriverGetVersion", with: .invalidValue)
      do throws(CUDAError) { return try call() } catch { return error.label }
    }
    #expect(label { () throws(CUDAError) in try driver.version() } == nil)
    driver.labelled("outer") {
      driver.labelled("inner") {
        #expect(label { () throws(CUDAError) in try driver.version() } == "inner")
      }
      #expect(label { () throws(CUDAError) in try driver.version() } == "outer")
    }
    #expect(label { () throws(CUDAError) in try driver.version() } == nil)
  }

  @Test("a copy past a buffer's end never reaches the driver")
  func bounds() throws {
    let fake = FakeCUDADriver()
    let driver = try CUDADriver(functions: fake.functions())
    let context = try CUDAContext(on: CUDADevice(0, of: driver))
    let buffer = try CUDADeviceBuffer(ByteCount(8), in: context)
    let before = fake.lines
    for (offset, count) in [(0, 9), (8, 1), (-1, 1), (Int.max, 1), (0, -1)] {
      let error = #expect(throws: CUDAError.self) { try buffer.bytes(at: offset, count: count) }
      #expect(error?.kind == .outOfBounds(offset: offset, count: count, size: ByteCount(8)))
    }
    #expect(fake.lines == before)
  }
}
