import CUDADriver
import CUDADriverFake
import Testing
import TraceModel

@Suite("Arguments of kernels are held to the manifest")
struct KernelArgumentsTests {
  @Test("a signature in Triton's spelling is read, and what it cannot mean is refused")
  func signatures() throws {
    #expect(
      try KernelSignature(triton: ["*bf16", "*fp32", "i32", "u32", "i64", "fp32"]).parameters
        == [.pointer, .pointer, .int32, .int32, .int64, .float32])
    for name in ["", "*", "bf16", "constexpr", "i8"] {
      #expect(throws: CUDAError.self, "\(name)") { try KernelSignature(triton: [name]) }
    }
    let many = [KernelSignature.Parameter](
      repeating: .pointer, count: CUDALimits.kernelArgumentsMax)
    #expect(try KernelSignature(many).parameters.count == CUDALimits.kernelArgumentsMax)
    #expect(throws: CUDAError.self) { try KernelSignature(many + [.pointer]) }
  }

  @Test("an argument of another type is refused with its place")
  func wrongType() throws {
    var arguments = KernelArguments(for: try KernelSignature([.int32, .float32]))
    try arguments.append(Int32(1))
    let error = try #require(throws: CUDAError.self) { try arguments.append(Int64(1)) }
    #expect(error.kind == .argument(index: 1, expected: "f32", given: "i64"))
    try arguments.append(Float(1))
    let more = try #require(throws: CUDAError.self) { try arguments.append(Float(1)) }
    #expect(more.kind == .argument(index: 2, expected: "nothing more", given: "f32"))
  }

  @Test("a launch with too few arguments, or with another kernel's, never reaches the driver")
  func incomplete() throws {
    let fake = FakeCUDADriver()
    let driver = try CUDADriver(functions: fake.functions())
    let context = try CUDAContext(on: CUDADevice(0, of: driver))
    let stream = try CUDAStream(in: context)
    let signature = try KernelSignature([.int32, .int32])
    let kernel = try CUDAModule(image: [0], in: context).function("k", signature: signature)
    let shape = LaunchShape(grid: .init(1), threads: 32)
    var few = KernelArguments(for: signature)
    try few.append(Int32(1))
    let error = try #require(throws: CUDAError.self) { try kernel.launch(shape, &few, on: stream) }
    #expect(error.kind == .argument(index: 1, expected: "i32", given: "nothing"))
    var other = KernelArguments(for: try KernelSignature([.int64]))
    #expect(throws: CUDAError.self) { try kernel.launch(shape, &other, on: stream) }
    #expect(!fake.lines.contains { $0.hasPrefix("cuLaunchKernel") })

    few.removeAll()
    try few.append(Int32(7))
    try few.append(Int32(8))
    try kernel.launch(shape, &few, on: stream)
    let last = try #require(fake.lines.last)
    #expect(last.hasSuffix("first argument 7)"), "\(last)")
  }
}
