import CUDADriver
import CUDADriverFake
import TraceModel

/// What a measurement does with the driver, from opening it to giving everything back.
enum Scenario {
  static let label = "triton-2d, batch 7"

  static func measure(
    on fake: FakeCUDADriver, launches: Int
  ) throws(CUDAError) -> Nanoseconds {
    let driver = try CUDADriver(functions: fake.functions())
    return try driver.labelled(label) { () throws(CUDAError) in
      try measure(with: driver, launches: launches)
    }
  }

  private static func measure(
    with driver: CUDADriver, launches: Int
  ) throws(CUDAError) -> Nanoseconds {
    let context = try CUDAContext(on: CUDADevice(0, of: driver))
    let module = try CUDAModule(image: Array("image".utf8), in: context)
    let signature = try KernelSignature(triton: ["*bf16", "fp32", "i32", "i64", "*i8"])
    let kernel = try module.function("attention", signature: signature)
    try kernel.allowDynamicSharedMemory(ByteCount(100_000))
    let stream = try CUDAStream(in: context)
    let output = try CUDADeviceBuffer(ByteCount(4096), in: context)
    try output.enqueueFill(0xFF, on: stream)
    var arguments = KernelArguments(for: signature)
    try arguments.append(output, offset: 16)
    try arguments.append(Float(0.125))
    try arguments.append(Int32(-3))
    try arguments.append(Int64(1) << 40)
    try arguments.appendNull()
    let shape = LaunchShape(
      grid: .init(8, 2), threads: 128, dynamicSharedMemory: ByteCount(100_000))
    let graph = try stream.capture { () throws(CUDAError) in
      for _ in 0..<launches { try kernel.launch(shape, &arguments, on: stream) }
    }
    let executable = try graph.instantiate(on: stream)
    let start = try CUDAEvent(in: context)
    let end = try CUDAEvent(in: context)
    try start.record(on: stream)
    try executable.launch(on: stream)
    try end.record(on: stream)
    try end.synchronize()
    return try end.elapsed(since: start)
  }
}
