internal import CUDADriver
internal import KernelImages
internal import KernelSelection
internal import MeasurementStore
internal import TraceModel

// What a batch needs on the GPU before it can be timed.
extension AttentionBench {
  /// Makes room for a batch, writes its lengths and block tables, and says how many copies there are.
  func prepare(
    _ plan: LaunchPlan, _ batch: AttentionBatch, cache: MeasuredState.Cache, calls: Int,
    words: String
  ) throws(CUDAError) -> Int {
    try grow(&memory.query, to: plan.queryBytes, isRandom: true)
    try grow(&memory.output, to: plan.outputBytes)
    if plan.scratchBytes > 0 { try grow(&memory.scratch, to: plan.scratchBytes) }
    let bytes = plan.blocks * plan.blockBytes
    let between = GPUMeasurementLimits.cachesBetweenUses * l2Bytes
    let copies = min(GPUMeasurementLimits.poolsMax, (between + bytes - 1) / bytes)
    // Whole graphs, so that none begins where the one before it ended.
    let cold = (copies + calls - 1) / calls * min(calls, copies)
    let wanted = min(cache == .cold ? cold : 1, plan.addressableBlocks / plan.blocks)
    pool.addressableBlocks = plan.addressableBlocks
    // The pool's old memory is given back before it takes more.
    memory.cache = nil
    try pool.reserve(
      wanted: wanted * plan.blocks, least: plan.blocks, blockBytes: plan.blockBytes, in: context,
      on: stream)
    memory.cache = pool.memory
    let pools = min(wanted, pool.blocks / plan.blocks)
    if pools < min(wanted, copies) {
      note(
        "the KV pool shrank to \(pool.blocks * plan.blockBytes) bytes for lack of GPU memory, so "
          + "some KV may have been in L2 (first on \(words))")
    }
    let description = plan.description(
      of: batch, pools: pools, order: pool.order, start: cursor)
    try grow(&memory.description, to: 4 * description.count)
    try memory.description?.buffer.write(unsafe description.span.bytes)
    // The copy may still be under way when its call returns, and the stream does not wait for it.
    try context.synchronize()
    activity.memory = max(activity.memory, ByteCount(Int64(memory.bytes)))
    return pools
  }

  /// Makes room for a product, and computes one of a new size, for which cuBLAS may load kernels; or says that
  /// there is nothing that computes it.
  func prepare(_ product: MatrixProducts.Size) throws(CUDAError) {
    guard let products else {
      note(
        "no cuBLAS that works is on the linker's path, so decode batches were executed without a matrix "
          + "product before them, and kernels without a split may have taken other times than in an engine"
      )
      return
    }
    try products.reserve(product, in: context)
    guard knownProducts.insert(product).inserted else { return }
    try products.enqueue(product, in: context)
    try stream.synchronize()
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
}
