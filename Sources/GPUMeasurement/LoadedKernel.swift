internal import CUDADriver
internal import KernelImages
internal import TraceModel

/// What a launch finds on the GPU.
struct LaunchMemory {
  var query: DeviceMemory?
  var output: DeviceMemory?
  var scratch: DeviceMemory?
  /// Lengths, query starts and block tables, as `LaunchPlan` places them.
  var description: DeviceMemory?
  /// The paged cache.
  var cache: DeviceMemory?

  /// Bytes of all of it.
  var bytes: Int {
    [query, output, scratch, description, cache].reduce(0) { $0 + ($1?.bytes ?? 0) }
  }
}

/// A loaded kernel and how it is launched.
final class LoadedKernel {
  let function: CUDAFunction
  let launch: KernelLaunch

  init(
    _ launch: KernelLaunch, cubin: [UInt8], in context: borrowing CUDAContext
  ) throws(CUDAError) {
    let module = try CUDAModule(image: cubin, in: context)
    let function = try module.function(
      launch.image.entry, signature: KernelSignature(triton: launch.image.signature))
    // More than every GPU gives without being asked.
    if launch.image.sharedBytes > 48 << 10 {
      try function.allowDynamicSharedMemory(ByteCount(Int64(launch.image.sharedBytes)))
    }
    self.function = function
    self.launch = launch
  }

  /// Enqueues the kernel of one call, which reads the copy of the KV of a number.
  func enqueue(
    _ plan: LaunchPlan, _ memory: LaunchMemory, pool index: Int, on stream: borrowing CUDAStream
  ) throws(CUDAError) {
    var arguments = KernelArguments(for: function.signature)
    for argument in launch.image.arguments {
      try Self.append(argument, plan, memory, pool: index, to: &arguments)
    }
    // Scratch memory of the compiler's own, which these kernels do not use.
    try arguments.appendNull()
    try arguments.appendNull()
    var extents: [UInt32] = []
    for name in launch.grid { extents.append(try plan.extent(name)) }
    try function.launch(
      LaunchShape(
        grid: .init(extents[0], extents[1], extents[2]),
        threads: UInt32(clamping: launch.image.threads),
        dynamicSharedMemory: ByteCount(Int64(launch.image.sharedBytes))),
      &arguments, on: stream)
  }

  private static func append(
    _ argument: KernelArgument, _ plan: LaunchPlan, _ memory: LaunchMemory, pool index: Int,
    to arguments: inout KernelArguments
  ) throws(CUDAError) {
    func address(
      _ memory: DeviceMemory?, _ offset: Int = 0, to arguments: inout KernelArguments
    ) throws(CUDAError) {
      guard let memory else { return try arguments.appendNull() }
      try arguments.append(memory.buffer, offset: offset)
    }
    let split = plan.program.segments > 1 ? memory.scratch : nil
    let outputs = 4 * plan.cells * plan.program.paddedHeadSize
    switch argument.name {
    case "output": try address(memory.output, to: &arguments)
    case "query": try address(memory.query, to: &arguments)
    case "segment_output": try address(split, to: &arguments)
    case "segment_max": try address(split, outputs, to: &arguments)
    case "segment_sum": try address(split, outputs + 4 * plan.cells, to: &arguments)
    case "partial": try address(memory.scratch, to: &arguments)
    case "pages":
      try address(
        memory.scratch, 4 * plan.cells * (plan.outputHeadSize + 1), to: &arguments)
    case "cache", "key_cache": try address(memory.cache, to: &arguments)
    case "value_cache": try address(memory.cache, 2 * plan.blockElements, to: &arguments)
    case "block_table":
      try address(memory.description, 4 * plan.tablePlace(index), to: &arguments)
    case "kv_lens": try address(memory.description, to: &arguments)
    case "query_starts":
      try address(memory.description, 4 * plan.queryStartsPlace, to: &arguments)
    case "scale": try arguments.append(plan.scale)
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
}
